//! What a reader of server-sent events gets (WHATWG HTML, section 9.2): each message with its name, events with the
//! position after them as their id. In HTTP/1.1 each message is a chunk of the answer (RFC 9112, section 7.1). The peer
//! says nothing: what it sends is discarded, and the end of its half is the end of the reader. Does not know when to close.

use std::io::{self, Read as _, Write as _};
use std::task::Poll;

use taskwire_protocol::frames::Welcome;
use taskwire_protocol::http::EventsEnd;
use taskwire_protocol::{CloseCode, StreamId};

use super::heard::Heard;
use super::pipe::Pipe;
use super::position::Position;
use crate::live::{BITE, Control};

/// What a message has beside its id and its data: its name, the ends of lines, the header of a chunk.
const AROUND: usize = 64;
/// Few events are smaller.
const SMALL: usize = 256;

/// The stream's position, and how its messages are cut.
pub(super) struct EventStream {
    position: Position,
    /// So many streams it may have: workspaces to which the person gets access are followed too.
    most: usize,
    /// The answer is in chunks: HTTP/1.0 has none, there the end of the connection is the end of the answer.
    in_chunks: bool,
}

impl EventStream {
    /// A stream after the head of the answer. Streams are added up to `most`.
    pub(super) fn new(position: Position, most: usize, in_chunks: bool) -> EventStream {
        EventStream {
            position,
            most,
            in_chunks,
        }
    }

    /// The first message; returns how many bytes it has.
    pub(super) fn welcome(&self, pipe: &mut Pipe, welcome: &Welcome) -> usize {
        // types of the protocol always encode
        let data = serde_json::to_string(welcome).unwrap_or_default();
        let position = self.position.text();
        self.queue(
            pipe,
            &["id: ", &position, "\nevent: welcome\ndata: ", &data, "\n\n"],
        );
        data.len()
    }

    /// An event. The position after it says that it was sent.
    pub(super) fn event(&mut self, pipe: &mut Pipe, frame: &str, stream: StreamId, seq: u64) {
        self.position.moves(stream, seq);
        if let StreamId::User(_) = stream {
            self.follow(frame);
        }
        let position = self.position.text();
        self.queue(
            pipe,
            &["id: ", &position, "\nevent: event\ndata: ", frame, "\n\n"],
        );
    }

    /// A client that comes back after it was told of its access continues where the access began.
    fn follow(&mut self, frame: &str) {
        match Control::read(frame) {
            Some(Control::Granted { workspace, seq }) if self.position.len() < self.most => {
                self.position.moves(workspace.into(), seq);
            }
            Some(Control::Lost { workspace }) => self.position.leaves(workspace.into()),
            _ => {}
        }
    }

    /// A signal.
    pub(super) fn signal(&self, pipe: &mut Pipe, frame: &str) {
        self.queue(pipe, &["event: signal\ndata: ", frame, "\n\n"]);
    }

    /// A comment, which clients ignore.
    pub(super) fn heartbeat(&self, pipe: &mut Pipe) {
        self.queue(pipe, &[": heartbeat\n\n"]);
    }

    /// The last message: why the stream ends.
    pub(super) fn close(&self, pipe: &mut Pipe, code: CloseCode, reason: &str) {
        let end = EventsEnd {
            code: code.code(),
            reason: reason.to_owned(),
        };
        let data = serde_json::to_string(&end).unwrap_or_default();
        self.queue(pipe, &["event: close\ndata: ", &data, "\n\n"]);
        if self.in_chunks {
            pipe.queue().extend_from_slice(b"0\r\n\r\n");
        }
    }

    /// How many bytes an event has beside its frame.
    pub(super) fn header(&self) -> usize {
        AROUND + self.position.size()
    }

    /// How many bytes of frames are read at a time: with their ids they are not many more than on a socket.
    pub(super) fn bite(&self) -> usize {
        BITE * SMALL / (SMALL + self.header())
    }

    fn queue(&self, pipe: &mut Pipe, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let queue = pipe.queue();
        queue.reserve(length + AROUND);
        if self.in_chunks {
            // a vector takes everything
            let _written = write!(queue, "{length:x}\r\n");
        }
        for part in parts {
            queue.extend_from_slice(part.as_bytes());
        }
        if self.in_chunks {
            queue.extend_from_slice(b"\r\n");
        }
    }

    /// Reads what the peer sends.
    pub(super) fn hear(pipe: &mut Pipe) -> Poll<Heard> {
        let mut scrap = [0; 1024];
        let read = pipe.read(&mut scrap);
        (pipe.since_text, pipe.unheard) = (0, 0);
        match read {
            Ok(0) => Poll::Ready(Heard::Gone),
            Ok(_) => Poll::Ready(Heard::Control),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Poll::Pending,
                // the kernel closed the connection: the peer acknowledged nothing for too long
                io::ErrorKind::TimedOut => Poll::Ready(Heard::Broken(CloseCode::Dead, "no sign of life")),
                _ => Poll::Ready(Heard::Gone),
            },
        }
    }
}
