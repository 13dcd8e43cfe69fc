//! The frames of a WebSocket above its `Pipe`. tungstenite reads the peer's frames and answers its pings. The frames that
//! we send are encoded here into the pipe's queue. Does not know what the messages mean, nor when to close.

use std::io;
use std::task::Poll;

use taskwire_protocol::CloseCode;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::heard::Heard;
use super::pipe::Pipe;

/// The first byte of a close frame.
const CLOSE: u8 = 0x88;
/// A close code that proxies send (registered at IANA), and that tungstenite takes for a broken protocol.
const BAD_GATEWAY: u16 = 1014;
/// The longest header of a frame that is not masked.
pub(super) const HEADER: usize = 10;
/// tungstenite zero-fills this much at every poll of the read half, and keeps it for each socket.
const READ_BUFFER: usize = 2 * 1024;
/// After a message of more bytes than this, the read buffer is so large that it is replaced.
const GROWN: usize = 8 * 1024;
/// How many bytes of pongs and close frames tungstenite keeps while our queue is full.
const CONTROL_BUFFER: usize = 1024;

/// The peer's frames, and the protocol's state.
pub(super) struct WebSocket {
    context: WebSocketContext,
}

impl WebSocket {
    /// A socket after its upgrade. `part` was read after the request's end. A message of more than `max_message` bytes
    /// violates the protocol.
    pub(super) fn new(pipe: &mut Pipe, part: Vec<u8>, max_message: usize) -> WebSocket {
        let config = config(max_message);
        pipe.came(&part);
        pipe.since_text = part.len() as u32;
        let context = if part.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(part, Role::Server, Some(config))
        };
        WebSocket { context }
    }

    /// The most bytes of a message.
    pub(super) fn largest(&self) -> Option<usize> {
        self.context.get_config().max_message_size
    }

    /// Reads the next message. Pending when there is none; the input's waker is called once there may be one.
    pub(super) fn hear(&mut self, pipe: &mut Pipe) -> Poll<Heard> {
        let heard = match self.context.read(pipe) {
            Ok(Message::Text(text)) => {
                pipe.since_text = 0;
                pipe.hear(text.len());
                pipe.grown |= text.len() > GROWN;
                Heard::Text(text)
            }
            Ok(Message::Ping(payload)) => {
                pipe.pass_over(payload.len());
                match self.context.flush(pipe) {
                    // a full queue delays the pong; the pong of the next ping replaces it
                    Ok(()) | Err(Error::WriteBufferFull(_)) => Heard::Control,
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Heard::Control,
                    Err(_) => Heard::Gone,
                }
            }
            Ok(Message::Pong(payload)) => {
                pipe.pass_over(payload.len());
                Heard::Control
            }
            Ok(Message::Frame(_)) => Heard::Control,
            Ok(Message::Binary(_)) => Heard::Broken(CloseCode::Unsupported, "frames must be text"),
            Ok(Message::Close(_)) => {
                pipe.limit = usize::MAX;
                if pipe.frames.close_code() == Some(BAD_GATEWAY) {
                    frame(pipe, CLOSE, &BAD_GATEWAY.to_be_bytes());
                } else {
                    let _closed = self.context.flush(pipe);
                }
                Heard::Closing
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // no whole message arrived; do not wait for endless or empty fragments
                if pipe.is_full() {
                    return Poll::Ready(Heard::Full);
                }
                self.shrink(pipe);
                return Poll::Pending;
            }
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) if pipe.frames.ended => {
                Heard::HalfClosed
            }
            Err(error) => broken(&error),
        };
        Poll::Ready(heard)
    }

    /// Makes the read buffer small again, when it is empty and no pong waits for a full queue.
    fn shrink(&mut self, pipe: &mut Pipe) {
        let room = pipe.queued() + CONTROL_BUFFER <= pipe.limit;
        if pipe.grown && pipe.unheard == 0 && room {
            self.forget();
            pipe.grown = false;
        }
    }

    /// What was read of a message that is not whole takes no memory any more.
    pub(super) fn forget(&mut self) {
        self.context = WebSocketContext::new(Role::Server, Some(*self.context.get_config()));
    }

    /// Queues a close frame, or the answer to the peer's.
    pub(super) fn close(&mut self, pipe: &mut Pipe, code: CloseCode, reason: &'static str) {
        pipe.limit = usize::MAX;
        let frame = CloseFrame {
            code: code.code().into(),
            reason: Utf8Bytes::from_static(reason),
        };
        // an error only means that the peer closed first: the answer to its close frame is queued
        let _closed = self.context.close(pipe, Some(frame));
    }
}

/// Queues a text frame (RFC 6455, section 5.2: final, unmasked).
pub(super) fn text(pipe: &mut Pipe, payload: &str) {
    frame(pipe, 0x81, payload.as_bytes());
}

/// Queues a ping.
pub(super) fn ping(pipe: &mut Pipe) {
    frame(pipe, 0x89, b"");
}

/// Queues a close frame to a peer that has ended its half.
pub(super) fn close_after_the_end(pipe: &mut Pipe, code: CloseCode, reason: &'static str) {
    frame(
        pipe,
        CLOSE,
        &[&code.code().to_be_bytes(), reason.as_bytes()].concat(),
    );
}

fn frame(pipe: &mut Pipe, first: u8, payload: &[u8]) {
    let queue = pipe.queue();
    queue.reserve(payload.len() + HEADER);
    queue.push(first);
    match payload.len() {
        length @ 0..=125 => queue.push(length as u8),
        length @ 126..=0xffff => {
            queue.push(126);
            queue.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            queue.push(127);
            queue.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    queue.extend_from_slice(payload);
}

fn config(max_message: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(CONTROL_BUFFER)
        .max_message_size(Some(max_message))
        .max_frame_size(Some(max_message))
}

fn broken(error: &Error) -> Heard {
    match error {
        Error::Capacity(_) => Heard::Broken(CloseCode::TooBig, "a frame larger than four times the limit"),
        Error::Utf8(_) => Heard::Broken(CloseCode::InvalidText, "text must be UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Heard::Gone,
        Error::Protocol(_) => Heard::Broken(CloseCode::Protocol, "WebSocket protocol violated"),
        // the kernel closed the connection: the peer acknowledged nothing for too long
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            Heard::Broken(CloseCode::Dead, "no sign of life")
        }
        _ => Heard::Gone,
    }
}
