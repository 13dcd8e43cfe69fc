//! One socket to Taskwire: it connects, upgrades, authenticates, sends frames, and passes on the texts that arrive.
//! Does not know what events mean.

use crate::answer::Answer;
use crate::connection::{Connection, PATIENCE};
use crate::trouble::Trouble;
use crate::websocket::{self, Inbox};
use serde::de::DeserializeOwned;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Instant;
use taskwire_protocol::account::{Authenticate, ClientInfo, Resume, Streams};
use taskwire_protocol::frames::Welcome;
use taskwire_protocol::{Operation, SUBPROTOCOL};
use tokio::time::timeout;

/// A socket to a server.
pub(crate) struct Link {
    connection: Connection,
    inbox: Inbox,
    /// Texts that arrived together with an answer and that `read` has not passed on yet.
    early: Vec<Vec<u8>>,
}

impl Link {
    /// Connects and upgrades; `number` counts the sockets of a run, from 0.
    pub(crate) async fn open(to: SocketAddr, path: &str, number: usize) -> Result<Link, Trouble> {
        Link::open_with(to, path, number, None).await
    }

    /// Opens like `open`, with this size of the kernel's receive buffer.
    pub(crate) async fn open_with(
        to: SocketAddr,
        path: &str,
        number: usize,
        receive_buffer: Option<u32>,
    ) -> Result<Link, Trouble> {
        let opening = async {
            let mut link = Link {
                connection: Connection::open(to, number, receive_buffer).await?,
                inbox: Inbox::default(),
                early: Vec::new(),
            };
            let subprotocol = format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n");
            let rest = link.connection.upgrade(to, path, &subprotocol).await?;
            let early = &mut link.early;
            link.inbox.take(&rest, |opcode, payload| {
                if opcode == websocket::TEXT {
                    early.push(payload.to_vec());
                }
            })?;
            Ok(link)
        };
        timeout(PATIENCE, opening)
            .await
            .map_err(|_| Trouble::TooLate("an upgrade", PATIENCE))?
    }

    /// Authenticates and follows `streams`, from the positions in `resume` if it is given.
    pub(crate) async fn authenticate(
        &mut self,
        token: &str,
        streams: Streams,
        resume: Option<Resume>,
    ) -> Result<Welcome, Trouble> {
        let client = ClientInfo {
            name: "loadtest".into(),
            version: Some(env!("CARGO_PKG_VERSION").into()),
        };
        let request = Authenticate {
            token: token.into(),
            client: Some(client),
            streams,
            resume,
        };
        self.call::<Authenticate>(&request).await
    }

    /// Sends a request and waits for its answer. Other texts that arrive are kept for `read`.
    pub(crate) async fn call<O: Operation>(&mut self, request: &O) -> Result<O::Output, Trouble>
    where
        O::Output: DeserializeOwned,
    {
        let data = serde_json::to_string(request)?;
        self.send(&format!(r#"{{"type":"{}","id":1,"data":{data}}}"#, O::NAME))
            .await?;
        let mut output = None;
        let answered = async {
            // A text that arrived before the request cannot be its answer.
            let mut kept = std::mem::take(&mut self.early);
            while output.is_none() {
                self.read(|_, text| match (&output, Answer::read(text)) {
                    (None, Some(answer)) => output = Some(answer.output(O::NAME)),
                    _ => kept.push(text.to_vec()),
                })
                .await?;
            }
            self.early = kept;
            Ok::<(), Trouble>(())
        };
        timeout(PATIENCE, answered)
            .await
            .map_err(|_| Trouble::TooLate(O::NAME, PATIENCE))??;
        output.unwrap_or(Err(Trouble::Ended))
    }

    /// Sends a text frame.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), Trouble> {
        let mut bytes = Vec::with_capacity(text.len() + 14);
        websocket::client_frame(&mut bytes, websocket::TEXT, text.as_bytes());
        self.send_frames(&bytes).await
    }

    /// Sends encoded frames in one write.
    pub(crate) async fn send_frames(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.connection.send(bytes).await
    }

    /// Sends encoded frames, and reads at the same time. A server that cannot send its answers stops reading requests,
    /// so without the reading both sides could wait for each other.
    pub(crate) async fn send_and_read(
        &mut self,
        bytes: &[u8],
        mut on_text: impl FnMut(Instant, &[u8]),
    ) -> Result<(), Trouble> {
        let (mut left, mut pongs) = (bytes, Vec::new());
        let (connection, inbox) = (&mut self.connection, &mut self.inbox);
        poll_fn(|cx| {
            loop {
                // Poll both each time, so that each of them wakes this task.
                let read = connection.poll_read(cx, usize::MAX, |chunk| {
                    take(inbox, chunk, &mut pongs, &mut on_text)
                })?;
                let sent = connection.poll_send(cx, left)?;
                if let Poll::Ready(sent) = sent {
                    left = &left[sent..];
                    if left.is_empty() {
                        return Poll::Ready(Ok::<(), Trouble>(()));
                    }
                }
                if read.is_pending() && sent.is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await?;
        self.connection.reply(&pongs)
    }

    /// Waits until bytes arrive and passes on every whole text, with the time of the read. Answers pings. Safe to
    /// cancel: everything that was read was passed on.
    pub(crate) async fn read(&mut self, on_text: impl FnMut(Instant, &[u8])) -> Result<(), Trouble> {
        self.read_at_most(usize::MAX, on_text).await
    }

    /// Reads like `read`, at most `bytes` bytes.
    pub(crate) async fn read_at_most(
        &mut self,
        bytes: usize,
        mut on_text: impl FnMut(Instant, &[u8]),
    ) -> Result<(), Trouble> {
        if !self.early.is_empty() {
            let now = Instant::now();
            for text in std::mem::take(&mut self.early) {
                on_text(now, &text);
            }
            return Ok(());
        }
        let (inbox, mut pongs) = (&mut self.inbox, Vec::new());
        let look = |chunk: &[u8]| take(inbox, chunk, &mut pongs, &mut on_text);
        self.connection.read(bytes, look).await?;
        self.connection.reply(&pongs)
    }
}

/// Decodes the bytes of one read.
fn take(
    inbox: &mut Inbox,
    bytes: &[u8],
    pongs: &mut Vec<u8>,
    on_text: &mut impl FnMut(Instant, &[u8]),
) -> Result<(), Trouble> {
    let (now, mut closed) = (Instant::now(), None);
    inbox.take(bytes, |opcode, payload| match opcode {
        websocket::TEXT => on_text(now, payload),
        websocket::PING => websocket::client_frame(pongs, websocket::PONG, payload),
        websocket::CLOSE => closed = Some(websocket::close_code(payload)),
        _ => {}
    })?;
    closed.map_or(Ok(()), |code| Err(Trouble::Closed(code)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers each read with a text of the same length, and reads nothing while it writes.
    fn echo(mut stream: std::net::TcpStream) -> std::io::Result<()> {
        use std::io::{Read, Write};
        let mut buffer = vec![0; 32 << 10];
        let _upgrade = stream.read(&mut buffer)?;
        write!(
            stream,
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            websocket::UPGRADE_ACCEPT
        )?;
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let mut frame = Vec::new();
            websocket::server_frame(&mut frame, websocket::TEXT, &buffer[..read]);
            stream.write_all(&frame)?;
        }
    }

    #[tokio::test]
    async fn a_server_that_cannot_send_its_answers_is_read_during_a_send() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let to = listener.local_addr().expect("an address");
        std::thread::spawn(move || echo(listener.accept()?.0));
        let mut link = Link::open(to, "/", 0).await.expect("a socket");
        // More than the kernel buffers for both directions together.
        let (bytes, mut heard) = (vec![b'x'; 64 << 20], 0);
        let sending = link.send_and_read(&bytes, |_, text| heard += text.len());
        timeout(PATIENCE, sending)
            .await
            .expect("sent in time")
            .expect("a socket that is still open");
        assert!(heard > 0);
    }
}
