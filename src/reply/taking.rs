//! A TCP stream whose peer must take what is written. A peer that takes its answer slowly is served as long as it takes
//! anything; the connection of one that takes nothing for [`crate::uptake::SILENCE`] ends. Does not know HTTP.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::uptake::{LINGER, LINGER_BYTES, Taken, Uptake, give_up};

/// The stream.
pub(super) struct Taking {
    tcp: TokioIo<TcpStream>,
    /// How many bytes were written, modulo 2^32.
    sent: u32,
    /// The kernel has no room, or the peer has not closed yet; boxed, because most connections never wait.
    wait: Option<Box<Wait>>,
    /// How many bytes may still be discarded; `None` before we have ended our half.
    discards: Option<usize>,
}

/// A wait for room.
struct Wait {
    timer: Pin<Box<Sleep>>,
    taken: Taken,
}

impl Taking {
    pub(super) fn new(tcp: TcpStream) -> Taking {
        Taking {
            tcp: TokioIo::new(tcp),
            sent: 0,
            wait: None,
            discards: None,
        }
    }

    pub(super) fn into_inner(self) -> TcpStream {
        self.tcp.into_inner()
    }

    /// Passes the outcome of a write on. While the kernel has no room, looks now and then whether the peer has taken
    /// something, and fails if it is dead. Where the system does not tell, it ends such connections by itself.
    fn watch(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.sent = self.sent.wrapping_add(bytes as u32);
                self.wait = None;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                ready!(self.poll_stuck(cx));
                give_up(self.tcp.inner());
                let message = "the peer takes nothing";
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, message)))
            }
        }
    }

    /// Ready when the peer is dead.
    fn poll_stuck(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.wait.is_none() {
            let Some(uptake) = Uptake::of(self.tcp.inner(), self.sent) else {
                return Poll::Pending;
            };
            let taken = Taken::new(uptake, Instant::now());
            self.wait = Some(Box::new(Wait::until(taken.dead_at(), taken)));
        }
        self.poll_looks(cx, |_| false)
    }

    /// Looks at the peer each time the wait is over. Ready when it has taken enough, or is dead.
    fn poll_looks(&mut self, cx: &mut Context<'_>, is_enough: fn(&Uptake) -> bool) -> Poll<()> {
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        loop {
            ready!(wait.timer.as_mut().poll(cx));
            let uptake = Uptake::of(self.tcp.inner(), self.sent).filter(|uptake| !is_enough(uptake));
            let next = uptake.and_then(|uptake| wait.taken.look(uptake, Instant::now()));
            let Some(next) = next else {
                return Poll::Ready(());
            };
            wait.timer.as_mut().reset(next);
        }
    }

    /// Ready when the connection can be closed: the peer has closed it too, or is dead; or [`LINGER`] is over and the peer
    /// has everything.
    fn poll_parted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut left = self.discards.unwrap_or(LINGER_BYTES);
        let mut scrap = [0; 4096];
        loop {
            let mut part = ReadBuf::new(&mut scrap);
            match Pin::new(self.tcp.inner_mut()).poll_read(cx, &mut part) {
                Poll::Ready(Ok(())) if !part.filled().is_empty() && left > part.filled().len() => {
                    left -= part.filled().len();
                }
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        self.discards = Some(left);
        if self.wait.is_none() {
            let none = Uptake { taken: 0, left: 0 };
            let uptake = Uptake::of(self.tcp.inner(), self.sent).unwrap_or(none);
            let now = Instant::now();
            self.wait = Some(Box::new(Wait::until(now + LINGER, Taken::new(uptake, now))));
        }
        self.poll_looks(cx, |uptake| uptake.left == 0)
    }
}

impl Wait {
    fn until(at: Instant, taken: Taken) -> Wait {
        let timer = Box::pin(sleep_until(at));
        Wait { timer, taken }
    }
}

impl Read for Taking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, bytes)
    }
}

impl Write for Taking {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.watch(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, parts);
        self.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    /// Ends our half, and waits until the connection can be closed.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.discards.is_none() {
            ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
            (self.discards, self.wait) = (Some(LINGER_BYTES), None);
        }
        self.poll_parted(cx).map(Ok)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::uptake::SILENCE;
    use std::time::Duration;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpSocket;

    const BUFFER: u32 = 4096;

    /// Both ends of a connection with small buffers.
    async fn pair() -> (Taking, TcpStream) {
        let listening = TcpSocket::new_v4().expect("a socket");
        listening.set_send_buffer_size(BUFFER).expect("a small buffer");
        listening.bind(([127, 0, 0, 1], 0).into()).expect("a port");
        let listener = listening.listen(1).expect("a listener");
        let connecting = TcpSocket::new_v4().expect("a socket");
        connecting.set_recv_buffer_size(BUFFER).expect("a small buffer");
        let address = listener.local_addr().expect("an address");
        let (accepted, connected) = tokio::join!(listener.accept(), connecting.connect(address));
        (
            Taking::new(accepted.expect("a connection").0),
            connected.expect("a connection"),
        )
    }

    /// Writes `bytes`; returns how many were written, and the error.
    async fn write(taking: &mut Taking, bytes: usize) -> (usize, Option<io::Error>) {
        let mut written = 0;
        while written < bytes {
            let part = vec![b'x'; (bytes - written).min(BUFFER as usize)];
            match std::future::poll_fn(|cx| Pin::new(&mut *taking).poll_write(cx, &part)).await {
                Ok(more) => written += more,
                Err(error) => return (written, Some(error)),
            }
        }
        (written, None)
    }

    /// It reads 2 KiB/s, so that the kernel has no room for longer than a peer may be silent.
    #[tokio::test]
    async fn a_peer_that_takes_little_is_served_and_one_that_takes_nothing_is_not() {
        let ((mut slow, mut peer), (mut stuck, deaf)) = (pair().await, pair().await);
        let reading = async {
            let mut bytes = [0; 512];
            loop {
                tokio::time::sleep(Duration::from_millis(250)).await;
                peer.read_exact(&mut bytes).await.expect("more");
            }
        };
        let begun = Instant::now();
        let writing = async { tokio::join!(write(&mut slow, 32_000), write(&mut stuck, 32_000)) };
        let ((written, error), (_, ended)) = tokio::select! {
            all = writing => all,
            () = reading => panic!("read all"),
        };
        assert!(error.is_none() && written == 32_000, "{written}: {error:?}");
        let ended = ended.expect("an error");
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() >= SILENCE);
        drop(deaf);
    }
}
