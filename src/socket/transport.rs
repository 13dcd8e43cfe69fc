//! A socket's bytes. tungstenite reads the peer's frames and answers its pings. The frames that we send are encoded
//! here into one queue, which is written in as few system calls as possible. One task polls everything. Does not know
//! what the messages mean, nor when to close.
//!
//! Why not `WebSocketStream`: its write buffer never shrinks, and its adapter keeps four wakers. Here the queue's
//! memory is given back whenever the queue becomes empty (`spare`). The read half has a separate waker, so that a
//! delivery does not poll (and zero-fill) the read buffer.

use std::io;
use std::task::{Context, Poll, Waker};

use taskwire_protocol::CloseCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::pipe::Pipe;
use crate::uptake::{self, LINGER, LINGER_BYTES, Uptake};

/// The first byte of a close frame.
const CLOSE: u8 = 0x88;
/// A close code that proxies send (registered at IANA), and that tungstenite takes for a broken protocol.
const BAD_GATEWAY: u16 = 1014;
/// The longest header of a frame that is not masked.
const HEADER: usize = 10;
/// tungstenite zero-fills this much at every poll of the read half, and keeps it for each socket.
const READ_BUFFER: usize = 2 * 1024;
/// After a message of more bytes than this, the read buffer is so large that it is replaced.
const GROWN: usize = 8 * 1024;
/// How many bytes of pongs and close frames tungstenite keeps while our queue is full.
const CONTROL_BUFFER: usize = 1024;

/// One socket's frames. The fields that a write touches are first in memory (see `Connection`).
#[repr(C)]
pub(super) struct Transport {
    pipe: Pipe,
    context: WebSocketContext,
}

/// What arrived from the peer.
pub(super) enum Heard {
    /// A text message. It is a slice of the read buffer: copy what is kept.
    Text(Utf8Bytes),
    /// A ping (answered already) or a pong.
    Control,
    /// A close frame; the answer is queued.
    Closing,
    /// The peer violated the protocol.
    Broken(CloseCode, &'static str),
    /// Nothing more, without a close frame. It may still read.
    HalfClosed,
    /// As many bytes arrived without a whole message as may: nothing more is read until it may be more.
    Full,
    /// It is gone.
    Gone,
}

impl Transport {
    /// The transport after the upgrade. `part` was read after the request's end. A message of more than `max_message`
    /// bytes violates the protocol. Control frames wait while the queue has `queue` bytes.
    pub(super) fn new(
        tcp: TcpStream,
        part: Vec<u8>,
        input: Waker,
        max_message: usize,
        queue: usize,
    ) -> Transport {
        let config = config(max_message);
        let mut pipe = Pipe::new(tcp, input, queue);
        pipe.came(&part);
        pipe.since_text = part.len() as u32;
        let context = if part.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(part, Role::Server, Some(config))
        };
        Transport { pipe, context }
    }

    /// From now on so many bytes may arrive before a message is complete.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.pipe.most = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// From now on as many bytes may arrive before a message is complete as a member may send: twice the largest
    /// message, to allow for the headers of its fragments.
    pub(super) fn let_in(&mut self) {
        let largest = self.context.get_config().max_message_size;
        self.allow(largest.unwrap_or(usize::MAX / 2) * 2);
    }

    /// Whether as many bytes arrived without a whole message as may.
    pub(super) fn is_full(&self) -> bool {
        self.pipe.since_text >= self.pipe.most
    }

    /// From now on, input calls this waker.
    pub(super) fn wake_on_input(&mut self, input: Waker) {
        self.pipe.input = input;
    }

    /// The waker that input calls.
    pub(super) fn input(&self) -> &Waker {
        &self.pipe.input
    }

    /// Reads the next message. Pending when there is none; the input's waker is called once there may be one.
    pub(super) fn hear(&mut self) -> Poll<Heard> {
        let heard = match self.context.read(&mut self.pipe) {
            Ok(Message::Text(text)) => {
                self.pipe.since_text = 0;
                self.pipe.hear(text.len());
                self.pipe.grown |= text.len() > GROWN;
                Heard::Text(text)
            }
            Ok(Message::Ping(payload)) => {
                self.pipe.pass_over(payload.len());
                match self.context.flush(&mut self.pipe) {
                    // a full queue delays the pong; the pong of the next ping replaces it
                    Ok(()) | Err(Error::WriteBufferFull(_)) => Heard::Control,
                    Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Heard::Control,
                    Err(_) => Heard::Gone,
                }
            }
            Ok(Message::Pong(payload)) => {
                self.pipe.pass_over(payload.len());
                Heard::Control
            }
            Ok(Message::Frame(_)) => Heard::Control,
            Ok(Message::Binary(_)) => Heard::Broken(CloseCode::Unsupported, "frames must be text"),
            Ok(Message::Close(_)) => {
                self.pipe.limit = usize::MAX;
                if self.pipe.frames.close_code() == Some(BAD_GATEWAY) {
                    self.frame(CLOSE, &BAD_GATEWAY.to_be_bytes());
                } else {
                    let _closed = self.context.flush(&mut self.pipe);
                }
                Heard::Closing
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // no whole message arrived; do not wait for endless or empty fragments
                if self.is_full() {
                    return Poll::Ready(Heard::Full);
                }
                self.shrink();
                return Poll::Pending;
            }
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) if self.pipe.frames.ended => {
                Heard::HalfClosed
            }
            Err(error) => broken(&error),
        };
        Poll::Ready(heard)
    }

    /// Makes the read buffer small again, when it is empty and no pong waits for a full queue.
    fn shrink(&mut self) {
        let room = self.queued() + CONTROL_BUFFER <= self.pipe.limit;
        if self.pipe.grown && self.pipe.unheard == 0 && room {
            self.context = WebSocketContext::new(Role::Server, Some(*self.context.get_config()));
            self.pipe.grown = false;
        }
    }

    /// Queues a text frame (RFC 6455, section 5.2: final, unmasked).
    pub(super) fn text(&mut self, payload: &str) {
        self.frame(0x81, payload.as_bytes());
    }

    /// Reserves memory once for the text frames that come next.
    pub(super) fn expect(&mut self, frames: usize, bytes: usize) {
        self.pipe.queue().reserve(bytes + frames * HEADER);
    }

    /// Queues a ping.
    pub(super) fn ping(&mut self) {
        self.frame(0x89, b"");
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        let queue = self.pipe.queue();
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

    /// Bytes that wait to be written.
    pub(super) fn queued(&self) -> usize {
        self.pipe.queued()
    }

    /// Changes whenever bytes were read.
    pub(super) fn reads(&self) -> u32 {
        self.pipe.reads
    }

    /// How much the peer has taken. Where the system does not tell, all that was written counts as taken, and the
    /// system ends the connections of dead peers. It is a system call.
    pub(super) fn uptake(&self) -> Uptake {
        let taken = self.pipe.sent;
        Uptake::of(&self.pipe.tcp, taken).unwrap_or(Uptake { taken, left: 0 })
    }

    /// The peer is dead: the kernel need not try for long to deliver what it has.
    pub(super) fn give_up(&self) {
        uptake::give_up(&self.pipe.tcp);
    }

    /// Writes the queue; ready when it is empty.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_flush(cx)
    }

    /// Sends a close frame, waits a little until the peer has answered or left, and disconnects. Meanwhile input is
    /// read and discarded: to close a connection with unread input resets it, and the close frame would be lost.
    pub(super) async fn close(mut self, code: CloseCode, reason: &'static str) {
        self.pipe.limit = usize::MAX;
        let frame = CloseFrame {
            code: code.code().into(),
            reason: Utf8Bytes::from_static(reason),
        };
        // an error only means that the peer closed first: the answer to its close frame is queued
        let _closed = self.context.close(&mut self.pipe, Some(frame));
        self.hang_up().await;
    }

    /// The peer ended its half without a close frame: sends one, and hangs up.
    pub(super) async fn answer_the_end(mut self, code: CloseCode, reason: &'static str) {
        self.frame(CLOSE, &[&code.code().to_be_bytes(), reason.as_bytes()].concat());
        self.hang_up().await;
    }

    /// Writes what waits (the answer to a close frame), and disconnects as `close` does.
    pub(super) async fn hang_up(mut self) {
        // what was read of a message that will not be heard takes no memory meanwhile
        self.context = WebSocketContext::new(Role::Server, Some(*self.context.get_config()));
        let _too_late = tokio::time::timeout(LINGER, async {
            std::future::poll_fn(|cx| self.pipe.poll_flush(cx)).await?;
            self.pipe.tcp.shutdown().await?;
            let (mut scrap, mut left) = ([0; 1024], LINGER_BYTES);
            loop {
                match self.pipe.tcp.read(&mut scrap).await? {
                    0 => return io::Result::Ok(()),
                    read if read >= left => return Ok(()),
                    read => left -= read,
                }
            }
        })
        .await;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_empty_queue_keeps_no_memory() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut peer = TcpStream::connect(address).await.expect("a connection");
        let (tcp, _) = listener.accept().await.expect("the other end");
        let mut transport = Transport::new(tcp, Vec::new(), Waker::noop().clone(), 1024, 64 * 1024);
        // the second round reserves memory, but no frame follows
        for text in [Some("{}"), None] {
            transport.expect(1, 16 * 1024);
            if let Some(text) = text {
                transport.text(text);
            }
            std::future::poll_fn(|cx| transport.poll_flush(cx))
                .await
                .expect("room");
            assert_eq!(transport.pipe.capacity(), 0);
        }
        let mut frame = [0; 4];
        peer.read_exact(&mut frame).await.expect("the frame");
        assert_eq!(&frame, b"\x81\x02{}");
    }
}
