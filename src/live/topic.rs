//! A watched stream: its ring, its watchers, and the users removed from it. Both locks are held briefly: never
//! together, never over an await, and never while an outlet is fed. Does not read the log.

use super::{
    chatter::{self, Chatter, Said},
    control::concerns_accounts,
    lock,
    log::LogRange,
    removals::{Reader, Removals},
    ring::{Batch, Beyond, Budget, Change, Location, Ring},
    wakeup::{Slot, Wakeup},
    watchers::Watchers,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use taskwire_protocol::{StreamId, UserId};
use tokio::time::Instant;

/// How late a missing frame may be before the log is read.
pub(crate) const LATE: Duration = Duration::from_millis(30);

/// How long the log's tail counts as current after it was read, so that a storm of reconnects shares the read. A stale
/// tail may accept a position that retention has just removed; the next page read detects this.
const TAIL_IS_FRESH: Duration = Duration::from_millis(200);

/// A watched stream.
pub(crate) struct Topic {
    pub(crate) stream: StreamId,
    /// Unique while the process runs: a stream that is watched again later gets a topic with another id.
    pub(crate) id: u64,
    /// Whether the topic is in the queue of the fan-out.
    queued: AtomicBool,
    /// How many signals were ever sent here; the count wraps.
    said: AtomicU32,
    state: Mutex<State>,
    watchers: Mutex<Watchers>,
    /// How many watchers there are: it is read without their lock.
    watching: AtomicU32,
}

struct State {
    ring: Ring,
    /// Changes with each `forget`: pages that were read under an older edition are not fed.
    edition: u64,
    removals: Removals,
    /// The tail of the log, and when it was read.
    tail: Option<(u64, Instant)>,
    /// Set while the hub has a deadline for a missing frame of this topic.
    gap: Option<Gap>,
    /// Set while there are recent signals.
    chatter: Option<Box<Chatter>>,
}

struct Gap {
    /// The missing seq that later frames wait for. It may have arrived since.
    missing: u64,
    deadline: Instant,
}

/// How far a reader may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The last seq that may be fed: the published head, or the seq before the reader's removal.
    pub(crate) last: u64,
    /// The reader was removed after `last`: no later entry will ever be fed.
    pub(crate) ends: bool,
    /// The published head.
    pub(crate) head: u64,
    /// Only a page that was read under this edition may be fed.
    pub(crate) edition: u64,
}

/// What the hub must do after a topic changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Mark the watchers.
    pub(crate) moved: bool,
    /// Call [`Topic::late`] at this time.
    pub(crate) deadline: Option<Instant>,
}

impl Topic {
    pub(crate) fn new(stream: StreamId, id: u64, budget: Arc<Budget>) -> Topic {
        let state = State {
            ring: Ring::new(budget),
            edition: id,
            removals: Removals::default(),
            tail: None,
            gap: None,
            chatter: None,
        };
        let (queued, watchers) = (AtomicBool::new(false), Mutex::default());
        Topic {
            stream,
            id,
            queued,
            said: AtomicU32::new(0),
            state: Mutex::new(state),
            watchers,
            watching: AtomicU32::new(0),
        }
    }

    /// Takes a committed frame.
    pub(crate) fn apply(&self, seq: u64, frame: super::Frame) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.apply(seq, frame);
        state.news(change)
    }

    /// Takes the log's range. Its read must have begun after publishers could find this topic.
    pub(crate) fn observe(&self, range: LogRange) -> News {
        let mut state = lock(&self.state);
        state.tail = Some((range.tail, Instant::now()));
        let change = state.ring.observe(range.head);
        state.news(change)
    }

    /// The log's head is `head`. A frame up to it that does not arrive within 30 ms is read from the log.
    pub(crate) fn hear_of(&self, head: u64) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.hear_of(head);
        state.news(change)
    }

    /// The entry `seq` was committed, but its frame was not sent here.
    pub(crate) fn receive_place(&self, seq: u64) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.apply_place(seq);
        state.news(change)
    }

    /// A deadline has passed: that of a missing frame, or that of the signals.
    pub(crate) fn late(&self, now: Instant) -> News {
        let mut state = lock(&self.state);
        let mut news = state.late_gap(now);
        if let Some(chatter) = state.chatter.as_deref_mut().filter(|c| c.until() <= now) {
            if chatter.is_over(now, news.deadline) {
                state.chatter = None;
            } else {
                news.deadline = Some(chatter.until());
            }
        }
        news
    }

    /// Takes a signal, for the readers that are at the head now.
    pub(crate) fn say(&self, frame: super::Frame) -> News {
        let now = Instant::now();
        let mut state = lock(&self.state);
        let deadline = match &state.chatter {
            Some(_) => None,
            None => Some(now + chatter::FRESH),
        };
        let chatter = state.chatter.get_or_insert_with(|| Box::new(Chatter::new(now)));
        chatter.add(frame, now);
        self.said.fetch_add(1, Ordering::Release);
        News {
            moved: true,
            deadline,
        }
    }

    /// How many signals were ever sent here.
    pub(crate) fn said(&self) -> u32 {
        self.said.load(Ordering::Acquire)
    }

    /// Clones the fresh signals that came after the first `heard`; returns how many were ever sent here. A reader whose
    /// removal is known gets none, even if it has not read up to the removal yet.
    pub(crate) fn listen(&self, heard: u32, reader: Reader, said: &mut Said) -> u32 {
        let state = lock(&self.state);
        let count = self.said();
        if let Some(chatter) = &state.chatter
            && state.removals.end_of(reader).is_none()
        {
            chatter.newest(count.wrapping_sub(heard) as usize, Instant::now(), said);
        }
        count
    }

    /// The log was rewritten up to `last`: drops the frames and sets the new `edition`.
    pub(crate) fn forget(&self, last: u64, edition: u64) -> News {
        let mut state = lock(&self.state);
        state.edition = edition;
        let change = state.ring.forget(last);
        state.news(change)
    }

    /// Drops the ring's frames to free memory; readers read the log.
    pub(crate) fn drop_frames(&self) {
        lock(&self.state).ring.drop_frames();
    }

    /// When the ring was last used, in ticks, and the bytes that it takes.
    pub(crate) fn usage(&self) -> (u64, usize) {
        lock(&self.state).ring.usage()
    }

    /// Ends the user's access before `seq`. Call it before any frame from `seq` on is applied.
    pub(crate) fn remove(&self, user: UserId, seq: u64) {
        if lock(&self.state).removals.add(user, seq) {
            let here = lock(&self.watchers).users();
            lock(&self.state).removals.keep_only(&here);
        }
    }

    /// The published head; `None` until the log was asked.
    pub(crate) fn head(&self) -> Option<u64> {
        lock(&self.state).ring.head()
    }

    /// The published head, and where the entries after a position are.
    pub(crate) fn locate(&self, seq: u64) -> (u64, Location) {
        let state = lock(&self.state);
        (state.ring.head().unwrap_or(0), state.ring.locate(seq))
    }

    /// Whether the ring holds all entries after `seq` and up to `last`, and none of them concerns accounts.
    pub(crate) fn leaves_accounts_alone(&self, seq: u64, last: u64) -> bool {
        lock(&self.state)
            .ring
            .all(seq, last, |frame| !concerns_accounts(frame))
    }

    /// The tail of the log, if it was read recently.
    pub(crate) fn tail(&self) -> Option<u64> {
        let (tail, at) = lock(&self.state).tail?;
        (at.elapsed() < TAIL_IS_FRESH).then_some(tail)
    }

    /// Retention has removed everything up to `tail`.
    pub(crate) fn observe_tail(&self, tail: u64) {
        lock(&self.state).tail = Some((tail, Instant::now()));
    }

    /// How far a reader may read.
    pub(crate) fn bounds(&self, reader: Reader) -> Bounds {
        lock(&self.state).bounds(reader)
    }

    /// Clones the frames after `seq` that the reader may see into `batch`: at most `bytes`, but at least one frame.
    /// `None` when the reader was removed and has read everything before its removal.
    pub(crate) fn read(&self, seq: u64, reader: Reader, bytes: usize, batch: &mut Batch) -> Option<Beyond> {
        let mut state = lock(&self.state);
        let bounds = state.bounds(reader);
        if bounds.ends && seq >= bounds.last {
            return None;
        }
        Some(match state.ring.read(seq, bounds.last, bytes, batch) {
            Beyond::Frames { more } => Beyond::Frames {
                more: more || bounds.ends,
            },
            other => other,
        })
    }

    /// Adds a watcher; returns its key. Its wakeup is marked whenever the head moves or a signal comes.
    pub(crate) fn watch(&self, wakeup: Arc<Wakeup>, slot: Slot) -> u32 {
        self.watching.fetch_add(1, Ordering::Relaxed);
        lock(&self.watchers).add(wakeup, slot)
    }

    /// Removes a watcher. True when it was the last one.
    pub(crate) fn unwatch(&self, key: u32) -> bool {
        self.watching.fetch_sub(1, Ordering::Relaxed);
        lock(&self.watchers).remove(key)
    }

    /// How many watchers there are.
    pub(crate) fn watching(&self) -> u32 {
        self.watching.load(Ordering::Relaxed)
    }

    /// Marks up to `n` watchers from `key` on. Returns the key to continue from, `None` at the end.
    pub(crate) fn mark(&self, key: usize, n: usize) -> Option<usize> {
        lock(&self.watchers).mark(key, n)
    }

    /// Marks the topic as queued for the fan-out; false when it is queued already.
    pub(crate) fn enter_queue(&self) -> bool {
        !self.queued.swap(true, Ordering::AcqRel)
    }

    /// Leaves the queue of the fan-out: the next change queues the topic again.
    pub(crate) fn leave_queue(&self) {
        // a swap, not a store: it must see the writes that happened before the last `enter_queue`
        self.queued.swap(false, Ordering::AcqRel);
    }
}

impl State {
    fn bounds(&self, reader: Reader) -> Bounds {
        let head = self.ring.head().unwrap_or(0);
        let edition = self.edition;
        let Some(end) = self.removals.end_of(reader) else {
            return Bounds {
                last: head,
                ends: false,
                head,
                edition,
            };
        };
        // until the head reaches the removal, entries before it may still arrive
        let end = end.max(1);
        Bounds {
            last: head.min(end - 1),
            ends: head + 1 >= end,
            head,
            edition,
        }
    }

    fn late_gap(&mut self, now: Instant) -> News {
        let Some(gap) = self.gap.take() else {
            return News::default();
        };
        if self.ring.missing().is_some() && gap.deadline > now {
            // another frame is missing now, and its deadline is later
            let deadline = Some(gap.deadline);
            self.gap = Some(gap);
            return News {
                moved: false,
                deadline,
            };
        }
        let change = self.ring.give_up_waiting();
        self.news(change)
    }

    fn news(&mut self, change: Change) -> News {
        let mut deadline = None;
        if change.waiting
            && let Some(missing) = self.ring.missing()
        {
            match &mut self.gap {
                Some(gap) if gap.missing == missing => {}
                Some(gap) => {
                    *gap = Gap {
                        missing,
                        deadline: Instant::now() + LATE,
                    }
                }
                None => {
                    let at = Instant::now() + LATE;
                    self.gap = Some(Gap {
                        missing,
                        deadline: at,
                    });
                    deadline = Some(at);
                }
            }
        }
        News {
            moved: change.moved,
            deadline,
        }
    }
}
