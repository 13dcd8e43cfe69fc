//! A socket's bytes: tungstenite reads the peer's frames and answers its pings, what we send is framed here
//! into one queue that is written in as few system calls as it fits. Everything is polled by one task. Does not
//! know what the messages mean, nor when to give up.
//!
//! Why not `WebSocketStream`: its write buffer never shrinks and its adapter keeps four wakers. Here the queue
//! is given back whenever it runs empty (`spare`), and the read half has a waker of its own, so that a delivery
//! does not poll (and zero-fill) the read buffer.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use taskwire_protocol::CloseCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::spare;

/// The longest header of a frame that is not masked.
const HEADER: usize = 10;
/// tungstenite zero-fills as much at every poll of the read half, and keeps it for each socket.
const READ_BUFFER: usize = 2 * 1024;
/// A message of more bytes than this leaves a read buffer behind that is not kept.
const GROWN: usize = 8 * 1024;
/// What tungstenite keeps of pongs and close frames that our queue did not take.
const CONTROL_BUFFER: usize = 1024;
/// What is already written is cut off a waiting queue once it is this long.
const CUT: usize = 32 * 1024;
/// A peer that is being closed gets this long to take the close frame.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);
/// Input of a peer that is being closed which is thrown away before we hang up on it.
const LINGER_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of one socket. What writing touches lies first (`Connection`).
#[repr(C)]
pub(super) struct Transport {
    pipe: Pipe,
    /// A large message came: the read buffer has grown, and shrinks only when it is made anew.
    grown: bool,
    context: WebSocketContext,
}

/// What came from the peer.
pub(super) enum Heard {
    /// A text message. It is a slice of the read buffer: copy what is kept.
    Text(Utf8Bytes),
    /// A ping (answered already) or a pong.
    Control,
    /// A close frame; the answer is queued.
    Closing,
    /// It broke the protocol.
    Broken(CloseCode, &'static str),
    /// Nothing any more.
    Gone,
}

impl Transport {
    /// Goes on after the upgrade; `part` was read behind the request. Frames of more than `max_message` bytes
    /// break the protocol, control frames wait once `queue` bytes do.
    pub(super) fn new(
        tcp: TcpStream,
        part: Vec<u8>,
        input: Waker,
        max_message: usize,
        queue: usize,
    ) -> Transport {
        let config = config(max_message);
        let unheard = part.len();
        let context = if part.is_empty() {
            WebSocketContext::new(Role::Server, Some(config))
        } else {
            WebSocketContext::from_partially_read(part, Role::Server, Some(config))
        };
        Transport {
            context,
            pipe: Pipe {
                tcp,
                input,
                queue: Vec::new(),
                written: 0,
                limit: queue,
                progress: 0,
                since_text: 0,
                unheard,
            },
            grown: false,
        }
    }

    /// Who is woken when input comes from now on.
    pub(super) fn wake_on_input(&mut self, input: Waker) {
        self.pipe.input = input;
    }

    /// Who that is.
    pub(super) fn input(&self) -> &Waker {
        &self.pipe.input
    }

    /// The next message; when there is none, the input's waker is called once there may be.
    pub(super) fn hear(&mut self) -> Poll<Heard> {
        let heard = match self.context.read(&mut self.pipe) {
            Ok(Message::Text(text)) => {
                self.pipe.since_text = 0;
                self.pipe.hear(text.len());
                self.grown |= text.len() > GROWN;
                Heard::Text(text)
            }
            Ok(Message::Ping(payload)) => {
                self.pipe.pass_over(payload.len());
                match self.context.flush(&mut self.pipe) {
                    // a full queue keeps the pong back; the next ping's replaces it
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
            Ok(Message::Binary(_)) => Heard::Broken(CloseCode::Unsupported, "frames are text"),
            Ok(Message::Close(_)) => {
                self.pipe.limit = usize::MAX;
                let _closed = self.context.flush(&mut self.pipe);
                Heard::Closing
            }
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                // nothing whole came; fragments that never end, or that carry nothing, are not waited for
                if self.pipe.since_text > self.most_for_a_message() {
                    return Poll::Ready(Heard::Broken(
                        CloseCode::TooBig,
                        "too many bytes without a message",
                    ));
                }
                self.shrink();
                return Poll::Pending;
            }
            Err(error) => broken(&error),
        };
        Poll::Ready(heard)
    }

    /// Makes the read buffer small again, when nothing is in it and no pong is held back by a full queue.
    fn shrink(&mut self) {
        let room = self.queued() + CONTROL_BUFFER <= self.pipe.limit;
        if self.grown && self.pipe.unheard == 0 && room {
            self.context = WebSocketContext::new(Role::Server, Some(*self.context.get_config()));
            self.grown = false;
        }
    }

    /// Bytes that may come before a message is whole: twice the largest one, for the headers of its fragments.
    fn most_for_a_message(&self) -> usize {
        2 * self
            .context
            .get_config()
            .max_message_size
            .unwrap_or(usize::MAX / 2)
    }

    /// Queues a text frame (RFC 6455, section 5.2: final, unmasked).
    pub(super) fn text(&mut self, payload: &str) {
        self.frame(0x81, payload.as_bytes());
    }

    /// Makes room for text frames at once, which come next.
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
        self.pipe.queue.len() - self.pipe.written
    }

    /// Changes whenever bytes came from the peer or went to it.
    pub(super) fn progress(&self) -> u32 {
        self.pipe.progress
    }

    /// Writes the queue; ready when it is empty.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.poll_flush(cx)
    }

    /// Sends a close frame, waits a little until the peer has answered or left, and hangs up. Input is thrown
    /// away meanwhile: closing a connection with unread input resets it, and the close frame would be lost.
    pub(super) async fn close(mut self, code: CloseCode, reason: &'static str) {
        self.pipe.limit = usize::MAX;
        let frame = CloseFrame {
            code: code.code().into(),
            reason: Utf8Bytes::from_static(reason),
        };
        // an error here says that the peer closed first: its answer is queued
        let _closed = self.context.close(&mut self.pipe, Some(frame));
        self.hang_up().await;
    }

    /// Writes what waits (the answer to a close frame), and hangs up as `close` does.
    pub(super) async fn hang_up(mut self) {
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
        Error::Capacity(_) => Heard::Broken(CloseCode::TooBig, "a frame of more than four times the limit"),
        Error::Utf8(_) => Heard::Broken(CloseCode::InvalidText, "text is UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Heard::Gone,
        Error::Protocol(_) => Heard::Broken(CloseCode::Protocol, "broken WebSocket protocol"),
        // the kernel gave up a peer that took nothing for too long
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
            Heard::Broken(CloseCode::Dead, "no sign of life")
        }
        _ => Heard::Gone,
    }
}

/// The TCP stream as tungstenite wants it: reading never waits, writing goes to the queue.
struct Pipe {
    tcp: TcpStream,
    input: Waker,
    queue: Vec<u8>,
    /// How much of the queue's beginning was written.
    written: usize,
    limit: usize,
    progress: u32,
    /// Bytes that came since the last whole message, without control frames.
    since_text: usize,
    /// Bytes that came and were not part of a frame that was heard.
    unheard: usize,
}

impl Pipe {
    /// The queue, to be added to.
    fn queue(&mut self) -> &mut Vec<u8> {
        if self.queue.capacity() == 0 {
            self.queue = spare::lend();
        }
        &mut self.queue
    }

    /// A control frame is no part of a message; whoever counts those counts it.
    fn pass_over(&mut self, payload: usize) {
        self.since_text = self.since_text.saturating_sub(payload + 6);
        self.hear(payload);
    }

    /// A masked frame with so much in it was heard. Of a message in fragments this counts too little, and then
    /// something seems to be left for ever: that costs memory, and no bytes.
    fn hear(&mut self, payload: usize) {
        let header = match payload {
            0..=125 => 6,
            126..=0xffff => 8,
            _ => 14,
        };
        self.unheard = self.unheard.saturating_sub(payload + header);
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.queue.len() {
            match Pin::new(&mut self.tcp).poll_write(cx, &self.queue[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes;
                    self.progress = self.progress.wrapping_add(1);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.written > CUT {
                        self.queue.drain(..self.written);
                        self.written = 0;
                    }
                    spare::keep_little(&mut self.queue);
                    return Poll::Pending;
                }
            }
        }
        // an idle socket keeps nothing, be it room for what did not come
        if self.queue.capacity() > 0 {
            spare::give_back(std::mem::take(&mut self.queue));
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut self.tcp).poll_read(&mut Context::from_waker(&self.input), &mut buffer) {
            Poll::Ready(read) => {
                read?;
                self.progress = self.progress.wrapping_add(1);
                self.since_text += buffer.filled().len();
                self.unheard += buffer.filled().len();
                Ok(buffer.filled().len())
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// tungstenite writes whole control frames: they are taken whole or not at all.
impl Write for Pipe {
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        if self.queue.len() - self.written + frame.len() > self.limit {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.queue().extend_from_slice(frame);
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn a_queue_that_runs_empty_keeps_no_memory() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut peer = TcpStream::connect(address).await.expect("a connection");
        let (tcp, _) = listener.accept().await.expect("the other end");
        let mut transport = Transport::new(tcp, Vec::new(), Waker::noop().clone(), 1024, 64 * 1024);
        // what is expected need not come
        for text in [Some("{}"), None] {
            transport.expect(1, 16 * 1024);
            if let Some(text) = text {
                transport.text(text);
            }
            std::future::poll_fn(|cx| transport.poll_flush(cx))
                .await
                .expect("room");
            assert_eq!(transport.pipe.queue.capacity(), 0);
        }
        let mut frame = [0; 4];
        peer.read_exact(&mut frame).await.expect("the frame");
        assert_eq!(&frame, b"\x81\x02{}");
    }
}
