//! One per reader: the waker of its task, and the set of what happened since that task last looked. Knows nothing of
//! streams: a topic is a slot here.
//!
//! Only the change from clean to dirty wakes the task; marking more sets bits, so a socket wakes once for a whole
//! group of commits. Nothing is missed: the news is visible before the mark, and the task takes the set before it looks
//! for news.

use futures_util::task::AtomicWaker;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake},
};
use taskwire_protocol::UserId;

/// A topic's number within its socket.
pub(crate) type Slot = u16;

/// Bits for slots; two are kept for input and control. A socket with more topics shares bits between them: a set
/// bit means "look", never "moved".
pub(crate) const SLOT_BITS: u32 = 62;

const CONTROL: u64 = 1 << 62;
const INPUT: u64 = 1 << 63;

/// What happened since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dirty(u64);

impl Dirty {
    /// The read half may have input. Start with it: a read half calls its waker only after it was polled once.
    pub const INPUT: Dirty = Dirty(INPUT);

    /// Nothing happened.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The read half called its waker.
    pub fn has_input(self) -> bool {
        self.0 & INPUT != 0
    }

    /// Somebody called [`Wakeup::nudge`].
    pub fn has_nudge(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// Topics moved, or may have.
    pub fn has_topics(self) -> bool {
        self.0 & !(INPUT | CONTROL) != 0
    }

    /// Adds what else happened.
    pub fn add(&mut self, other: Dirty) {
        self.0 |= other.0;
    }

    /// The first slots of the set bits; the slots `SLOT_BITS` further on share them.
    pub(crate) fn slots(self) -> impl Iterator<Item = usize> {
        let mut bits = self.0 & !(INPUT | CONTROL);
        std::iter::from_fn(move || {
            let slot = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(slot)
        })
    }
}

/// A socket's waker and dirty set, shared with the fan-out. Also a [`std::task::Waker`] for the read half (by way of
/// `Waker::from(Arc<Wakeup>)`): so the task knows whether input woke it and leaves a quiet read half alone, which
/// matters because tungstenite zero-fills its read buffer at every poll.
pub struct Wakeup {
    dirty: AtomicU64,
    waker: AtomicWaker,
    user: UserId,
}

impl Wakeup {
    /// Nothing happened yet.
    pub(crate) fn new(user: UserId) -> Wakeup {
        Wakeup {
            dirty: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            user,
        }
    }

    /// Whose socket it is.
    pub(crate) fn user(&self) -> UserId {
        self.user
    }

    /// The topic in `slot` moved: call it after the head did.
    pub(crate) fn mark(&self, slot: Slot) {
        self.set(1 << (u32::from(slot) % SLOT_BITS));
    }

    /// Something other than topics and input needs the task: a drain, a kick. What it is must be stored elsewhere before
    /// this call.
    pub fn nudge(&self) {
        self.set(CONTROL);
    }

    fn set(&self, bits: u64) {
        if self.dirty.fetch_or(bits, Ordering::AcqRel) == 0 {
            self.waker.wake();
        }
    }

    /// What happened, without waiting.
    pub fn take(&self) -> Dirty {
        Dirty(self.dirty.swap(0, Ordering::AcqRel))
    }

    /// What happened. Pending when nothing did; the next thing wakes the task. One task at a time.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Dirty> {
        self.waker.register(cx.waker()); // before the look, so that a mark between the two wakes us
        let dirty = self.take();
        if dirty.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(dirty)
        }
    }

    /// Waits until something happened. Cancelling loses nothing.
    pub async fn wait(&self) -> Dirty {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.set(INPUT);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set(INPUT);
    }
}
