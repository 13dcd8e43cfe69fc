//! The bytes of one reader, and what is queued for it: as messages of a WebSocket (`websocket`), or as server-sent events
//! (`event_stream`). Both share the queue, which is written in as few system calls as possible, and the way in which
//! they are polled and closed. One task polls everything. Does not know what the messages mean, nor when to close.
//!
//! Why not `WebSocketStream`: its write buffer never shrinks, and its adapter keeps four wakers. Here the queue's
//! memory is given back whenever the queue becomes empty (`spare`). The read half has a separate waker, so that a
//! delivery does not poll (and zero-fill) the read buffer.

use std::io;
use std::task::{Context, Poll, Waker};

use taskwire_protocol::frames::{RequestId, Welcome};
use taskwire_protocol::{CloseCode, StreamId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::event_stream::EventStream;
use super::heard::Heard;
use super::pipe::Pipe;
use super::websocket::{self, HEADER, WebSocket};
use crate::live::BITE;
use crate::reply::frames;
use crate::uptake::{self, LINGER, LINGER_BYTES, Uptake};

/// One reader's frames. The fields that a write touches are first in memory (see `Connection`).
#[repr(C)]
pub(super) struct Transport {
    pipe: Pipe,
    kind: Kind,
}

/// What the bytes are.
#[allow(
    clippy::large_enum_variant,
    reason = "a node has many sockets, and few streams of events"
)]
enum Kind {
    Socket(WebSocket),
    Events(Box<EventStream>),
}

impl Transport {
    /// A WebSocket after the upgrade. `part` was read after the request's end. A message of more than `max_message`
    /// bytes violates the protocol. Control frames wait while the queue has `queue` bytes.
    pub(super) fn socket(
        tcp: TcpStream,
        part: Vec<u8>,
        input: Waker,
        max_message: usize,
        queue: usize,
    ) -> Transport {
        let mut pipe = Pipe::new(tcp, input, queue);
        let kind = Kind::Socket(WebSocket::new(&mut pipe, part, max_message));
        Transport { pipe, kind }
    }

    /// A stream of events after the head of its answer.
    pub(super) fn events(tcp: TcpStream, input: Waker, queue: usize, events: EventStream) -> Transport {
        Transport {
            pipe: Pipe::new(tcp, input, queue),
            kind: Kind::Events(Box::new(events)),
        }
    }

    /// Whether the peer never says anything: what it takes is the only sign of life.
    pub(super) fn is_one_way(&self) -> bool {
        matches!(self.kind, Kind::Events(_))
    }

    /// From now on so many bytes may arrive before a message is complete.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.pipe.most = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// From now on as many bytes may arrive before a message is complete as a member may send: twice the largest
    /// message, to allow for the headers of its fragments.
    pub(super) fn let_in(&mut self) {
        if let Kind::Socket(socket) = &self.kind {
            self.allow(socket.largest().unwrap_or(usize::MAX / 2) * 2);
        }
    }

    /// Whether as many bytes arrived without a whole message as may.
    pub(super) fn is_full(&self) -> bool {
        self.pipe.is_full()
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
        match &mut self.kind {
            Kind::Socket(socket) => socket.hear(&mut self.pipe),
            Kind::Events(_) => EventStream::hear(&mut self.pipe),
        }
    }

    /// Queues the answer to a request. Who only reads events has none.
    pub(super) fn answer(&mut self, frame: &str) {
        if let Kind::Socket(_) = self.kind {
            websocket::text(&mut self.pipe, frame);
        }
    }

    /// Queues the first message to a reader; returns how many bytes it has.
    pub(super) fn welcome(&mut self, id: Option<&RequestId>, welcome: &Welcome) -> usize {
        match &mut self.kind {
            Kind::Socket(_) => {
                let frame = frames::welcome(id, welcome);
                websocket::text(&mut self.pipe, &frame);
                frame.len()
            }
            Kind::Events(events) => events.welcome(&mut self.pipe, welcome),
        }
    }

    /// Queues an event.
    #[inline]
    pub(super) fn event(&mut self, frame: &str, stream: StreamId, seq: u64) {
        match &mut self.kind {
            Kind::Socket(_) => websocket::text(&mut self.pipe, frame),
            Kind::Events(events) => events.event(&mut self.pipe, frame, stream, seq),
        }
    }

    /// Queues a signal.
    pub(super) fn signal(&mut self, frame: &str) {
        match &mut self.kind {
            Kind::Socket(_) => websocket::text(&mut self.pipe, frame),
            Kind::Events(events) => events.signal(&mut self.pipe, frame),
        }
    }

    /// How many bytes of events are queued at a time.
    #[inline]
    pub(super) fn bite(&self) -> usize {
        match &self.kind {
            Kind::Socket(_) => BITE,
            Kind::Events(events) => events.bite(),
        }
    }

    /// Reserves memory once for the events that come next.
    pub(super) fn expect(&mut self, frames: usize, bytes: usize) {
        let header = match &self.kind {
            Kind::Socket(_) => HEADER,
            Kind::Events(events) => events.header(),
        };
        self.pipe.queue().reserve(bytes + frames * header);
    }

    /// Queues what shows the peer that we are there, and us that it is.
    pub(super) fn ping(&mut self) {
        match &mut self.kind {
            Kind::Socket(_) => websocket::ping(&mut self.pipe),
            Kind::Events(events) => events.heartbeat(&mut self.pipe),
        }
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

    /// Says why it is closed, waits a little until the peer has answered or left, and disconnects. Meanwhile input is
    /// read and discarded: to close a connection with unread input resets it, and the last words would be lost.
    pub(super) async fn close(mut self, code: CloseCode, reason: &'static str) {
        match &mut self.kind {
            Kind::Socket(socket) => socket.close(&mut self.pipe, code, reason),
            Kind::Events(events) => events.close(&mut self.pipe, code, reason),
        }
        self.hang_up().await;
    }

    /// The peer ended its half without a close frame: sends one, and hangs up.
    pub(super) async fn answer_the_end(mut self, code: CloseCode, reason: &'static str) {
        websocket::close_after_the_end(&mut self.pipe, code, reason);
        self.hang_up().await;
    }

    /// Writes what waits (the answer to a close frame), and disconnects as `close` does.
    pub(super) async fn hang_up(mut self) {
        // what was read of a message that will not be heard takes no memory meanwhile
        if let Kind::Socket(socket) = &mut self.kind {
            socket.forget();
        }
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
        let mut transport = Transport::socket(tcp, Vec::new(), Waker::noop().clone(), 1024, 64 * 1024);
        // the second round reserves memory, but no frame follows
        for text in [Some("{}"), None] {
            transport.expect(1, 16 * 1024);
            if let Some(text) = text {
                transport.answer(text);
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
