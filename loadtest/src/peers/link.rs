//! One socket to a peer: it sends bytes, passes on the texts that arrive, and answers pings. Does not know how a socket
//! authenticates.

use super::hear::{self, Heard};
use super::nats::Said;
use super::peer::Peer;
use super::{http, nats};
use crate::connection::{Connection, PATIENCE};
use crate::trouble::Trouble;
use crate::websocket::{self, Inbox, Unreadable};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::time::timeout;

/// How bytes become texts. Each variant keeps the start of a text that is incomplete.
pub(super) enum Framing {
    WebSocket(Inbox),
    Nats(Vec<u8>),
    Http(Vec<u8>),
}

/// A socket to a peer.
pub(super) struct Link {
    connection: Connection,
    reader: Reader,
    /// Bytes that arrived together with the answer to an upgrade.
    rest: Vec<u8>,
    /// Events that arrived together with an answer, and when.
    early: Vec<(Instant, u64)>,
}

/// Makes texts of bytes.
struct Reader {
    peer: Peer,
    framing: Framing,
}

impl Link {
    /// Connects. `framing` decodes the bytes that arrive.
    pub(super) async fn connect(to: SocketAddr, peer: Peer, framing: Framing) -> Result<Link, Trouble> {
        Ok(Link {
            connection: Connection::open(to, 0, None).await?,
            reader: Reader { peer, framing },
            rest: Vec::new(),
            early: Vec::new(),
        })
    }

    /// Connects and upgrades to a WebSocket.
    pub(super) async fn upgrade(
        to: SocketAddr,
        peer: Peer,
        path: &str,
        headers: &str,
    ) -> Result<Link, Trouble> {
        let mut link = Link::connect(to, peer, Framing::WebSocket(Inbox::default())).await?;
        link.rest = link.connection.upgrade(to, path, headers).await?;
        Ok(link)
    }

    /// Sends bytes that are framed already.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.connection.send(bytes).await
    }

    /// Sends a WebSocket text.
    pub(super) async fn say(&mut self, text: &str) -> Result<(), Trouble> {
        let mut frame = Vec::with_capacity(text.len() + 14);
        websocket::client_frame(&mut frame, websocket::TEXT, text.as_bytes());
        self.send(&frame).await
    }

    /// Waits until bytes arrive and passes on every whole text, with the time of the read. Safe to cancel: everything
    /// that was read was passed on.
    pub(super) async fn read(&mut self, mut on: impl FnMut(Instant, Heard<'_>)) -> Result<(), Trouble> {
        if !self.early.is_empty() {
            for (at, number) in std::mem::take(&mut self.early) {
                on(at, Heard::Event(number));
            }
            return Ok(());
        }
        let (reader, mut replies) = (&mut self.reader, Vec::new());
        let mut look = |bytes: &[u8]| reader.take(bytes, &mut replies, &mut on);
        if self.rest.is_empty() {
            self.connection.read(usize::MAX, look).await?;
        } else {
            look(&std::mem::take(&mut self.rest))?;
        }
        self.connection.reply(&replies)
    }

    /// Reads until `answer` returns `Some` for a text. Events that arrive meanwhile are kept for `read`.
    pub(super) async fn wait<T>(
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
}

impl Reader {
    /// Decodes the bytes of one read.
    fn take(
        &mut self,
        bytes: &[u8],
        replies: &mut Vec<u8>,
        on: &mut impl FnMut(Instant, Heard<'_>),
    ) -> Result<(), Trouble> {
        let (peer, now) = (self.peer, Instant::now());
        match &mut self.framing {
            Framing::WebSocket(inbox) => {
                let mut closed = None;
                inbox.take(bytes, |opcode, payload| match opcode {
                    // Engine.IO's own ping.
                    websocket::TEXT if peer == Peer::Socketio && payload == b"2" => {
                        websocket::client_frame(replies, websocket::TEXT, b"3");
                    }
                    websocket::TEXT | websocket::BINARY => on(now, hear::text(peer, payload)),
                    websocket::PING => websocket::client_frame(replies, websocket::PONG, payload),
                    websocket::CLOSE => closed = Some(websocket::close_code(payload)),
                    _ => {}
                })?;
                closed.map_or(Ok(()), |code| Err(Trouble::Closed(code)))
            }
            Framing::Nats(partial) => join(partial, bytes, |bytes| {
                nats::split(bytes, |said| match said {
                    Said::Message(payload) => on(now, hear::text(peer, payload)),
                    Said::Ping => replies.extend_from_slice(b"PONG\r\n"),
                    // The server has handled everything that was sent before the `PING`.
                    Said::Line(b"PONG") => on(now, Heard::Ok(b"PONG")),
                    Said::Line(line) if line.starts_with(b"-ERR") => on(now, Heard::Refused(line)),
                    Said::Line(line) => on(now, Heard::Other(line)),
                })
            }),
            Framing::Http(partial) => join(partial, bytes, |bytes| {
                http::split(bytes, |status| {
                    let heard = if status.starts_with(b"HTTP/1.1 20") {
                        Heard::Ok(status)
                    } else {
                        Heard::Refused(status)
                    };
                    on(now, heard);
                })
            }),
        }
    }
}

/// Splits the rest of earlier reads together with the new bytes, and keeps an incomplete end. `split` returns how many
/// bytes it used.
fn join(
    partial: &mut Vec<u8>,
    bytes: &[u8],
    split: impl FnOnce(&[u8]) -> Result<usize, Unreadable>,
) -> Result<(), Trouble> {
    if partial.is_empty() {
        let taken = split(bytes)?;
        partial.extend_from_slice(&bytes[taken..]);
    } else {
        partial.extend_from_slice(bytes);
        let taken = split(partial)?;
        partial.drain(..taken);
    }
    Ok(())
}
