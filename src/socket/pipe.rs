//! The bytes of one socket, below its frames: the TCP stream in the form that tungstenite needs, with our output queue.
//! Does not know frames.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::net::TcpStream;

use super::frames::Frames;
use super::spare;

/// Once a waiting queue has written more bytes than this, the written part is removed from it.
const CUT: usize = 32 * 1024;

/// The TCP stream in the form that tungstenite needs: a read never waits, a write is put into the queue.
pub(super) struct Pipe {
    pub(super) tcp: TcpStream,
    /// Called when input arrives.
    pub(super) input: Waker,
    queue: Vec<u8>,
    /// How many bytes of the queue, from its start, were written.
    written: u32,
    /// Control frames of tungstenite wait while the queue has this many bytes.
    pub(super) limit: usize,
    /// Changes whenever bytes were read.
    pub(super) reads: u32,
    /// How many bytes were written, modulo 2^32.
    pub(super) sent: u32,
    /// Bytes read since the last complete message, without control frames.
    pub(super) since_text: u32,
    /// How many of these may be read. More wait in the kernel's buffer.
    pub(super) most: u32,
    /// Bytes read that do not belong to a frame that tungstenite has returned yet.
    pub(super) unheard: u32,
    /// The peer's frames, as far as its close code.
    pub(super) frames: Frames,
    /// A large message arrived: tungstenite's read buffer has grown, and shrinks only when it is replaced.
    pub(super) grown: bool,
}

impl Pipe {
    /// A pipe whose queue is empty.
    pub(super) fn new(tcp: TcpStream, input: Waker, limit: usize) -> Pipe {
        Pipe {
            tcp,
            input,
            queue: Vec::new(),
            written: 0,
            limit,
            reads: 0,
            sent: 0,
            since_text: 0,
            most: u32::MAX,
            unheard: 0,
            frames: Frames::default(),
            grown: false,
        }
    }

    /// These bytes came from the peer.
    pub(super) fn came(&mut self, bytes: &[u8]) {
        self.unheard = self.unheard.saturating_add(bytes.len() as u32);
        self.frames.pass(bytes);
    }

    /// Bytes that wait to be written.
    pub(super) fn queued(&self) -> usize {
        self.queue.len() - self.written as usize
    }

    /// Whether as many bytes arrived without a whole message as may.
    pub(super) fn is_full(&self) -> bool {
        self.since_text >= self.most
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.queue.capacity()
    }

    /// The queue, for adding to it.
    pub(super) fn queue(&mut self) -> &mut Vec<u8> {
        if self.queue.capacity() == 0 {
            self.queue = spare::lend();
        }
        &mut self.queue
    }

    /// A control frame was returned. It is not part of a message; `Pace` counts it.
    pub(super) fn pass_over(&mut self, payload: usize) {
        self.since_text = self.since_text.saturating_sub(payload as u32 + 6);
        self.hear(payload);
    }

    /// A masked frame with a payload of this many bytes was returned. For a message in fragments this counts too few
    /// bytes, so some always seem unread. Then the read buffer only keeps its size; no byte is lost.
    pub(super) fn hear(&mut self, payload: usize) {
        let header = match payload {
            0..=125 => 6,
            126..=0xffff => 8,
            _ => 14,
        };
        self.unheard = self.unheard.saturating_sub(payload as u32 + header);
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while (self.written as usize) < self.queue.len() {
            match Pin::new(&mut self.tcp).poll_write(cx, &self.queue[self.written as usize..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(bytes)) => {
                    self.written += bytes as u32;
                    self.sent = self.sent.wrapping_add(bytes as u32);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    if self.written as usize > CUT {
                        self.queue.drain(..self.written as usize);
                        self.written = 0;
                    }
                    spare::keep_little(&mut self.queue);
                    return Poll::Pending;
                }
            }
        }
        // an idle socket keeps no memory, even if memory was reserved for frames that did not come
        if self.queue.capacity() > 0 {
            spare::give_back(std::mem::take(&mut self.queue));
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl Read for Pipe {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.is_full() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut buffer = ReadBuf::new(bytes);
        match Pin::new(&mut self.tcp).poll_read(&mut Context::from_waker(&self.input), &mut buffer) {
            Poll::Ready(read) => {
                read?;
                self.reads = self.reads.wrapping_add(1);
                let read = buffer.filled().len();
                self.since_text = self.since_text.saturating_add(read as u32);
                self.frames.ended |= read == 0;
                self.came(buffer.filled());
                Ok(read)
            }
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// tungstenite writes control frames one at a time: the queue accepts each completely, or not at all.
impl Write for Pipe {
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        if self.queued() + frame.len() > self.limit {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.queue().extend_from_slice(frame);
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
