//! One connection to a server: connects, sends bytes, hands over what arrives, answers what has to be answered at
//! once (pings). All of them read through one buffer of the thread. Does not know how a socket gets in.

use crate::hear::{self, Heard};
use crate::nats::Said;
use crate::peer::Peer;
use crate::trouble::Trouble;
use crate::{http, nats, websocket};
use memchr::memmem;
use std::cell::RefCell;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long any single answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 << 10]);
}

/// How bytes become texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    WebSocket,
    Nats,
    Http,
}

/// A connection to a server.
pub(crate) struct Link {
    stream: TcpStream,
    peer: Peer,
    framing: Framing,
    /// The beginning of what is not whole yet.
    partial: Vec<u8>,
    /// Events that came along with an answer, and when.
    early: Vec<(Instant, u64)>,
}

impl Link {
    /// Connects, without delay of small writes.
    pub(crate) async fn connect(to: SocketAddr, peer: Peer, framing: Framing) -> Result<Link, Trouble> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Link {
            stream,
            peer,
            framing,
            partial: Vec::new(),
            early: Vec::new(),
        })
    }

    /// Connects and upgrades to a WebSocket.
    pub(crate) async fn upgrade(
        to: SocketAddr,
        peer: Peer,
        path: &str,
        headers: &str,
    ) -> Result<Link, Trouble> {
        let mut link = Link::connect(to, peer, Framing::WebSocket).await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n{headers}\r\n",
            websocket::KEY
        );
        link.send(request.as_bytes()).await?;
        let mut head = Vec::with_capacity(512);
        let end = loop {
            if link.stream.read_buf(&mut head).await? == 0 {
                return Err(Trouble::Ended);
            }
            if let Some(end) = memmem::find(&head, b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(&head[..end]);
        if !text.starts_with("HTTP/1.1 101") || !text.contains(websocket::ACCEPT) {
            let status = text.lines().next().unwrap_or_default();
            return Err(Trouble::NotUpgraded(status.into()));
        }
        link.partial = head.split_off(end);
        Ok(link)
    }

    /// Sends bytes that are framed already.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        Ok(self.stream.write_all(bytes).await?)
    }

    /// Sends a text.
    pub(crate) async fn say(&mut self, text: &str) -> Result<(), Trouble> {
        let mut frame = Vec::with_capacity(text.len() + 14);
        websocket::encode(&mut frame, websocket::TEXT, text.as_bytes());
        self.send(&frame).await
    }

    /// Waits until something arrives and hands over every whole text with the moment of the read. May be dropped at
    /// any await: what was read was handed over.
    pub(crate) async fn read(&mut self, mut on: impl FnMut(Instant, Heard<'_>)) -> Result<(), Trouble> {
        if !self.early.is_empty() {
            for (at, number) in std::mem::take(&mut self.early) {
                on(at, Heard::Event(number));
            }
            return Ok(());
        }
        let mut replies = Vec::new();
        poll_fn(|cx| {
            BUFFER.with_borrow_mut(|buffer| {
                let mut space = ReadBuf::new(buffer);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
                if space.filled().is_empty() {
                    return Poll::Ready(Err(Trouble::Ended));
                }
                Poll::Ready(self.take(space.filled(), &mut replies, &mut on))
            })
        })
        .await?;
        if replies.is_empty() {
            return Ok(());
        }
        // A few bytes: where there is no room for them the server does not read.
        match self.stream.try_write(&replies) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Reads until a text answers something: what `answer` makes of it first. Events after it are kept for `read`.
    pub(crate) async fn wait<T>(
        &mut self,
        what: &'static str,
        mut answer: impl FnMut(&Heard<'_>) -> Option<Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let (mut found, mut early) = (None, Vec::new());
        let mut look = |at, heard: Heard<'_>, found: &mut Option<_>| match heard {
            Heard::Event(number) => early.push((at, number)),
            heard if found.is_none() => *found = answer(&heard),
            _ => {}
        };
        let reading = async {
            // What came along with the upgrade is there already.
            if !self.partial.is_empty() {
                self.take(&[], &mut Vec::new(), &mut |at, heard| look(at, heard, &mut found))?;
            }
            while found.is_none() {
                self.read(|at, heard| look(at, heard, &mut found)).await?;
            }
            Ok::<(), Trouble>(())
        };
        timeout(PATIENCE, reading)
            .await
            .map_err(|_| Trouble::TooLate(what, PATIENCE))??;
        self.early.extend(early);
        found.unwrap_or(Err(Trouble::Ended))
    }

    /// Looks at the bytes of one read.
    fn take(
        &mut self,
        bytes: &[u8],
        replies: &mut Vec<u8>,
        on: &mut impl FnMut(Instant, Heard<'_>),
    ) -> Result<(), Trouble> {
        if self.partial.is_empty() {
            let taken = self.split(bytes, replies, on)?;
            self.partial.extend_from_slice(&bytes[taken..]);
            return Ok(());
        }
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let taken = self.split(&all, replies, on)?;
        if taken < all.len() {
            all.drain(..taken);
            self.partial = all;
        }
        Ok(())
    }

    fn split(
        &self,
        bytes: &[u8],
        replies: &mut Vec<u8>,
        on: &mut impl FnMut(Instant, Heard<'_>),
    ) -> Result<usize, Trouble> {
        let (peer, now, mut closed) = (self.peer, Instant::now(), None);
        let taken = match self.framing {
            Framing::WebSocket => websocket::split(bytes, |opcode, payload| match opcode {
                // Engine.IO's own ping.
                websocket::TEXT if peer == Peer::Socketio && payload == b"2" => {
                    websocket::encode(replies, websocket::TEXT, b"3");
                }
                websocket::TEXT | websocket::BINARY => on(now, hear::text(peer, payload)),
                websocket::PING => websocket::encode(replies, websocket::PONG, payload),
                websocket::CLOSE => {
                    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                    closed = Some(code.unwrap_or(1005));
                }
                _ => {}
            }),
            Framing::Nats => nats::split(bytes, |said| match said {
                Said::Message(payload) => on(now, hear::text(peer, payload)),
                Said::Ping => replies.extend_from_slice(b"PONG\r\n"),
                // It has taken all that was sent before the `PING`.
                Said::Line(b"PONG") => on(now, Heard::Ok(b"PONG")),
                Said::Line(line) if line.starts_with(b"-ERR") => on(now, Heard::Refused(line)),
                Said::Line(line) => on(now, Heard::Other(line)),
            }),
            Framing::Http => http::split(bytes, |status| {
                let heard = if status.starts_with(b"HTTP/1.1 20") {
                    Heard::Ok(status)
                } else {
                    Heard::Refused(status)
                };
                on(now, heard);
            }),
        }?;
        closed.map_or(Ok(taken), |code| Err(Trouble::Closed(code)))
    }
}
