//! One per reader: the waker of its task, and a set of bits for what happened since that task last looked. Does not
//! know streams: a topic is a slot here.
//!
//! Only the change from clean to dirty wakes the task; further marks only set bits. So a socket wakes once for a whole
//! group of commits. No news is missed: it is visible before the mark, and the task takes the set before it looks for
//! news.

use futures_util::task::AtomicWaker;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake},
};
use taskwire_protocol::UserId;

/// A topic's number within its reader.
pub(crate) type Slot = u16;

/// Bits for slots; the other two are for input and control. With more topics than bits, topics share a bit. So a set
/// bit means "look", not "moved".
pub(crate) const SLOT_BITS: u32 = 62;

const CONTROL: u64 = 1 << 62;
const INPUT: u64 = 1 << 63;

/// What happened since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dirty(u64);

impl Dirty {
    /// The read half may have input. Start with it: a read half calls its waker only after it was polled once.
    pub const INPUT: Dirty = Dirty(INPUT);

    /// Whether nothing happened.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the read half called its waker.
    pub fn has_input(self) -> bool {
        self.0 & INPUT != 0
    }

    /// Whether [`Wakeup::nudge`] was called.
    pub fn has_nudge(self) -> bool {
        self.0 & CONTROL != 0
    }

    /// Whether topics may have moved.
    pub fn has_topics(self) -> bool {
        self.0 & !(INPUT | CONTROL) != 0
    }

    /// Adds all bits of `other`.
    pub fn add(&mut self, other: Dirty) {
        self.0 |= other.0;
    }

    /// The first slot of each set bit. Every `SLOT_BITS`-th slot after it shares the bit.
    pub(crate) fn slots(self) -> impl Iterator<Item = usize> {
        let mut bits = self.0 & !(INPUT | CONTROL);
        std::iter::from_fn(move || {
            let slot = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
            bits &= bits - 1;
            Some(slot)
        })
    }
}

/// A reader's waker and dirty set, shared with the fan-out. Also a [`std::task::Waker`] for the read half (made with
/// `Waker::from(Arc<Wakeup>)`). So the task knows whether input woke it, and does not poll a quiet read half: at every
/// poll tungstenite zero-fills its read buffer.
pub struct Wakeup {
    dirty: AtomicU64,
    waker: AtomicWaker,
    user: UserId,
}

impl Wakeup {
    /// A wakeup with an empty set.
    pub(crate) fn new(user: UserId) -> Wakeup {
        Wakeup {
            dirty: AtomicU64::new(0),
            waker: AtomicWaker::new(),
            user,
        }
    }

    /// The reader's user.
    pub(crate) fn user(&self) -> UserId {
        self.user
    }

    /// Marks the topic in `slot`. Call it after the head moved.
    pub(crate) fn mark(&self, slot: Slot) {
        self.set(1 << (u32::from(slot) % SLOT_BITS));
    }

    /// Wakes the task for something other than topics and input, such as a drain or a kick. The caller must store the
    /// reason elsewhere before this call.
    pub fn nudge(&self) {
        self.set(CONTROL);
    }

    fn set(&self, bits: u64) {
        if self.dirty.fetch_or(bits, Ordering::AcqRel) == 0 {
            self.waker.wake();
        }
    }

    /// Takes the set, without waiting.
    pub fn take(&self) -> Dirty {
        Dirty(self.dirty.swap(0, Ordering::AcqRel))
    }

    /// Takes the set. Pending while it is empty; the next mark wakes the task. Only one task may poll at a time.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Dirty> {
        self.waker.register(cx.waker()); // before the set is taken, so that a mark between the two wakes the task
        let dirty = self.take();
        if dirty.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(dirty)
        }
    }

    /// Waits until something happened, and takes the set. A cancelled wait loses nothing.
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
