//! Skeleton.
use super::{Control, Dirty, Frame, Hub, LogUnavailable, Signal};
use std::{
    sync::Arc,
    task::{Context, Poll},
};
use taskwire_protocol::{StreamId, UserId, stream::Reason};

/// Where a cursor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the head.
    Now,
    /// After the last seq that the client has.
    After(u64),
}

/// Whether a stream's frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Deliver,
    /// They are only looked at for [`Control`]: the user's own stream on a socket that does not follow it.
    Watch,
}

/// What a join came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The head.
    pub seq: u64,
    /// Whether what follows the given position will be fed; otherwise the cursor stands at the head.
    pub resumed: bool,
    /// Why not: `New`, `Expired` or `Unknown`.
    pub reason: Option<Reason>,
}

/// Where frames go: a socket's write buffer.
pub trait Outlet {
    /// The way out is gone.
    type Error;

    /// Ready when there is room for another bite (16 KiB, or a single larger frame).
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>>;

    /// Takes a frame without writing it through; called only after `poll_room` was ready. Flushing is up to the
    /// outlet's owner, once after each `poll_deliver`.
    fn feed(&mut self, frame: Frame) -> Result<(), Self::Error>;
}

/// What a call of [`Subscriptions::poll_deliver`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// Everything that is there was fed.
    All,
    /// A turn's worth was fed: flush, attend to the socket's own replies, and call again without waiting.
    More,
    /// The user's own stream told something: act on it, and call again.
    Control(Control),
    /// Retention overtook the cursor of this stream, which stands at the head now: frames were skipped. Close with
    /// 4408, so that the client resumes and is told `resumed: false`.
    Overtaken(StreamId),
}

/// Why nothing more can be delivered to a socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop<E> {
    /// The outlet is gone.
    Outlet(E),
    /// The log of this stream has a hole. Feeding on would be a silent gap: close with 4408.
    Broken(StreamId),
}

/// The cursors of one socket.
pub struct Subscriptions {
    _hub: Arc<Hub>,
    _user: UserId,
    signal: Arc<Signal>,
}

impl Subscriptions {
    /// No cursor yet.
    pub fn new(hub: Arc<Hub>, user: UserId) -> Subscriptions {
        Subscriptions { _hub: hub, _user: user, signal: Arc::default() }
    }

    /// The socket's signal.
    pub fn signal(&self) -> &Arc<Signal> {
        &self.signal
    }

    /// Places a cursor in a stream.
    pub async fn join(&mut self, _stream: StreamId, _start: Start, _mode: Mode) -> Result<Joined, LogUnavailable> {
        unimplemented!()
    }

    /// Takes the cursor away; false when there was none.
    pub fn leave(&mut self, _stream: StreamId) -> bool {
        unimplemented!()
    }

    /// Nothing of the stream is written until [`Subscriptions::go_on`].
    pub fn pause(&mut self, _stream: StreamId) {
        unimplemented!()
    }

    /// Ends a pause, after another position if given.
    pub fn go_on(&mut self, _stream: StreamId, _after: Option<u64>) {
        unimplemented!()
    }

    /// How many streams have a cursor, the ones only watched included.
    pub fn count(&self) -> usize {
        unimplemented!()
    }

    /// Whether the stream has a cursor, be it only watching.
    pub fn has(&self, _stream: StreamId) -> bool {
        unimplemented!()
    }

    /// Feeds what lies beyond the cursors that `dirty` names, and what was left by earlier calls. Call it on every
    /// wake of the socket's task (it costs a compare when there is nothing to do), then flush the outlet.
    ///
    /// Pending: the outlet has no room, or what is left waits for the log; `cx` is woken when that changes.
    pub fn poll_deliver<O: Outlet>(
        &mut self,
        _cx: &mut Context<'_>,
        _dirty: Dirty,
        _out: &mut O,
    ) -> Poll<Result<Delivered, Stop<O::Error>>> {
        unimplemented!()
    }
}
