//! A watched stream: its ring, its watchers, and who was removed from it. Both locks are short; they are never held
//! together, over an await, or while an outlet is fed. Knows nothing of the log.

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

/// For how long the log's tail is kept as it was read, so that a storm shares the read. A stale tail may accept a
/// position that retention has just removed; the next page read detects this.
const TAIL_IS_FRESH: Duration = Duration::from_millis(200);

/// A watched stream.
pub(crate) struct Topic {
    pub(crate) stream: StreamId,
    /// Unique among all topics that ever were: a stream that is watched again later gets another topic.
    pub(crate) id: u64,
    /// Already in the queue of the fan-out.
    queued: AtomicBool,
    /// How many signals were ever sent here; the count wraps.
    said: AtomicU32,
    state: Mutex<State>,
    watchers: Mutex<Watchers>,
}

struct State {
    ring: Ring,
    /// Another number after each `forget`: pages read under an older one are not fed.
    edition: u64,
    removals: Removals,
    /// The tail of the log, and when it was read.
    tail: Option<(u64, Instant)>,
    /// Set while the hub has a deadline for this topic.
    gap: Option<Gap>,
    /// Set while there was a signal lately.
    chatter: Option<Box<Chatter>>,
}

struct Gap {
    /// The missing seq that later frames wait for. It may have arrived since.
    missing: u64,
    deadline: Instant,
}

/// How far a reader may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The last seq that may be fed: the published head, or what precedes the reader's removal.
    pub(crate) last: u64,
    /// The reader was removed after `last`: there will never be more.
    pub(crate) ends: bool,
    /// The published head.
    pub(crate) head: u64,
    /// What a page must have been read under.
    pub(crate) edition: u64,
}

/// What must be done after something came to a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct News {
    /// Mark the watchers.
    pub(crate) moved: bool,
    /// Call [`Topic::late`] then.
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
        }
    }

    /// A committed frame.
    pub(crate) fn apply(&self, seq: u64, frame: super::Frame) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.apply(seq, frame);
        state.news(change)
    }

    /// What the log holds, by a read that began after publishers could find this topic.
    pub(crate) fn observe(&self, range: LogRange) -> News {
        let mut state = lock(&self.state);
        state.tail = Some((range.tail, Instant::now()));
        let change = state.ring.observe(range.head);
        state.news(change)
    }

    /// The log's head is `head`. A frame up to there that does not come within 30 ms is read from the log.
    pub(crate) fn hear_of(&self, head: u64) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.hear_of(head);
        state.news(change)
    }

    /// An entry was committed whose frame does not travel.
    pub(crate) fn receive_place(&self, seq: u64) -> News {
        let mut state = lock(&self.state);
        let change = state.ring.apply_place(seq);
        state.news(change)
    }

    /// The deadline of a gap has passed.
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

    /// A signal came, for those who are at the head now.
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

    /// Clones the signals after the first `heard` that are still fresh; returns how many were ever sent. A reader whose
    /// removal is known gets none, even before the removal was fed to it.
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

    /// The log was rewritten up to `last`, and has another `edition` now: what is held of it is dropped.
    pub(crate) fn forget(&self, last: u64, edition: u64) -> News {
        let mut state = lock(&self.state);
        state.edition = edition;
        let change = state.ring.forget(last);
        state.news(change)
    }

    /// Drops the ring's frames to make room; readers go to the log.
    pub(crate) fn drop_frames(&self) {
        lock(&self.state).ring.drop_frames();
    }

    /// When the ring was used last, in ticks, and the bytes that it takes.
    pub(crate) fn usage(&self) -> (u64, usize) {
        lock(&self.state).ring.usage()
    }

    /// The user's access ends before `seq`. Call it before any frame from `seq` on is applied.
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

    /// The published head and where a position lies.
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

    /// The tail of the log, if it was read lately.
    pub(crate) fn tail(&self) -> Option<u64> {
        let (tail, at) = lock(&self.state).tail?;
        (at.elapsed() < TAIL_IS_FRESH).then_some(tail)
    }

    /// Retention has removed everything up to `tail`.
    pub(crate) fn observe_tail(&self, tail: u64) {
        lock(&self.state).tail = Some((tail, Instant::now()));
    }

    /// How far a reader may go.
    pub(crate) fn bounds(&self, reader: Reader) -> Bounds {
        lock(&self.state).bounds(reader)
    }

    /// Clones what the reader may see after `seq` into `batch`: at most `bytes`, but at least one frame. `None` when the
    /// reader was removed and has seen everything before its removal.
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

    /// Watches: the wakeup is marked whenever the head moved.
    pub(crate) fn watch(&self, wakeup: Arc<Wakeup>, slot: Slot) -> u32 {
        lock(&self.watchers).add(wakeup, slot)
    }

    /// Watches no longer. True: it was the last watcher.
    pub(crate) fn unwatch(&self, key: u32) -> bool {
        lock(&self.watchers).remove(key)
    }

    /// Marks up to `n` watchers from `key` on; where to go on, `None` at the end.
    pub(crate) fn mark(&self, key: usize, n: usize) -> Option<usize> {
        lock(&self.watchers).mark(key, n)
    }

    /// Enters the queue of the fan-out; false when it is there already.
    pub(crate) fn enter_queue(&self) -> bool {
        !self.queued.swap(true, Ordering::AcqRel)
    }

    /// Leaves the queue of the fan-out: the next move of the head queues the topic again.
    pub(crate) fn leave_queue(&self) {
        self.queued.swap(false, Ordering::AcqRel); // not a store: it must see what the last one to queue it wrote before
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
        // until the head reaches the removal, there may be more before it
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
            // another frame is missing since, and its deadline is later
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
