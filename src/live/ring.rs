//! The newest frames of one stream, contiguous up to its head, and a few frames that arrived before an earlier one.
//! Pure bookkeeping: knows no watchers and no locks, and does not read the log.

use super::Frame;
use smallvec::SmallVec;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// How many frames may wait for an earlier one.
pub(crate) const EARLY: usize = 64;

/// Bytes that a frame takes in addition to its text: its slot in the ring and the header of the shared bytes.
const FRAME_OVERHEAD: usize = 64;

/// The most frames in one bite.
const BATCH: usize = 16;

/// A few frames on the stack, between a ring's lock and an outlet.
pub(crate) type Batch = SmallVec<[Frame; BATCH]>;

/// The memory of all rings together.
pub(crate) struct Budget {
    /// Bytes that one ring may take.
    pub(crate) per_ring: usize,
    /// Bytes taken, waiting frames included.
    pub(crate) taken: AtomicUsize,
    /// A clock that ticks with each publish. It tells which ring was used least recently.
    pub(crate) ticks: AtomicU64,
}

/// What a frame or a newer head did to a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// The head moved.
    pub(crate) moved: bool,
    /// A frame is missing: a later seq is known to be committed.
    pub(crate) waiting: bool,
}

/// What follows a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// No frame follows.
    Nothing,
    /// Frames were put into the batch. `more`: others follow them.
    Frames { more: bool },
    /// The next frame is not in the ring.
    OnlyInLog,
}

/// Where the entries after a position are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// The ring has all of them; or the position is the head, and there are none.
    InRing,
    /// Only the log may have them.
    InLog,
    /// The position is beyond the head.
    Ahead,
}

/// The ring of one stream. Until the head was read from the log, all frames wait.
pub(crate) struct Ring {
    frames: VecDeque<Frame>,
    head: Option<u64>,
    bytes: usize,
    early: BTreeMap<u64, Frame>,
    /// The newest seq known to be committed, whether or not its frame arrived: the log has all entries up to it.
    seen: u64,
    /// The newest seq whose entry was rewritten: a frame up to it that arrives late may differ from the log's.
    rewritten: u64,
    used: u64,
    budget: Arc<Budget>,
}

impl Ring {
    pub(crate) fn new(budget: Arc<Budget>) -> Ring {
        let used = budget.ticks.load(Ordering::Relaxed);
        Ring {
            frames: VecDeque::new(),
            head: None,
            bytes: 0,
            early: BTreeMap::new(),
            seen: 0,
            rewritten: 0,
            used,
            budget,
        }
    }

    /// The newest seq that readers may see; `None` until the log was asked.
    pub(crate) fn head(&self) -> Option<u64> {
        self.head
    }

    /// When the ring was last used, in ticks, and the bytes that it takes.
    pub(crate) fn usage(&self) -> (u64, usize) {
        (self.used, self.bytes)
    }

    /// The next seq, when it is late: a later one is known to be committed.
    pub(crate) fn missing(&self) -> Option<u64> {
        let head = self.head?;
        (self.seen > head || !self.early.is_empty()).then_some(head + 1)
    }

    /// Takes a committed frame. Repeated ones are ignored, early ones wait.
    pub(crate) fn apply(&mut self, seq: u64, frame: Frame) -> Change {
        self.used = self.budget.ticks.load(Ordering::Relaxed);
        if seq <= self.rewritten {
            return self.apply_place(seq);
        }
        let moved = match self.head {
            Some(head) if seq <= head => false,
            Some(head) if seq == head + 1 => {
                self.push(frame);
                self.take_early();
                true
            }
            _ => self.park(seq, frame),
        };
        self.change(moved)
    }

    /// Takes the position of a committed entry whose frame only the log has.
    pub(crate) fn apply_place(&mut self, seq: u64) -> Change {
        let change = self.hear_of(seq);
        // frames before this entry may still arrive, unless it is the next one
        if self.missing() == Some(seq) {
            return self.give_up_waiting();
        }
        change
    }

    /// Takes the log's head. Readers start at the first one. A later one only tells whether a frame is missing: a frame
    /// arrives here a little after its commit.
    pub(crate) fn observe(&mut self, head: u64) -> Change {
        self.seen = self.seen.max(head);
        let first = self.head.is_none();
        if first {
            self.jump(self.seen);
        }
        self.change(first)
    }

    /// The log's head is `head`. Readers do not start there: it may have been read before the ring existed.
    pub(crate) fn hear_of(&mut self, head: u64) -> Change {
        self.seen = self.seen.max(head);
        self.change(false)
    }

    /// The missing frame is too late: readers read it from the log.
    pub(crate) fn give_up_waiting(&mut self) -> Change {
        if self.missing().is_none() {
            return Change::default();
        }
        self.jump(self.early.keys().next().map_or(self.seen, |first| first - 1));
        self.change(true)
    }

    /// The log was rewritten up to `last`. Drops the frames but keeps the head, so that readers read the log. Also
    /// drops waiting frames, and moves the head past the missing ones: readers find all of them in the log, in order.
    pub(crate) fn forget(&mut self, last: u64) -> Change {
        self.rewritten = self.rewritten.max(last);
        let newest = self.early.keys().next_back().copied().unwrap_or(0);
        self.seen = self.seen.max(newest);
        self.drop_frames();
        self.drop_early();
        let moved = self.head.is_some_and(|head| head < self.seen);
        if moved {
            self.head = Some(self.seen);
        }
        self.change(moved)
    }

    /// Drops the frames but keeps the head.
    pub(crate) fn drop_frames(&mut self) {
        let bytes: usize = self.frames.iter().map(cost).sum();
        self.frames = VecDeque::new(); // not `clear`, which keeps the capacity
        self.give_back(bytes);
    }

    /// Clones frames after `seq` and up to `last` into `batch`: at most `bytes`, but at least one frame.
    pub(crate) fn read(&mut self, seq: u64, last: u64, bytes: usize, batch: &mut Batch) -> Beyond {
        let head = self.head.unwrap_or(0);
        let last = last.min(head);
        if seq >= last {
            return Beyond::Nothing;
        }
        self.used = self.budget.ticks.load(Ordering::Relaxed);
        let Some(start) = (self.frames.len() as u64).checked_sub(head - seq) else {
            return Beyond::OnlyInLog;
        };
        let frames = self.frames.range(start as usize..).take((last - seq) as usize);
        let taken = fill(frames, bytes, batch);
        Beyond::Frames {
            more: seq + taken < last,
        }
    }

    /// Where the entries after a position are.
    pub(crate) fn locate(&self, seq: u64) -> Location {
        let head = self.head.unwrap_or(0);
        match head.checked_sub(seq) {
            None => Location::Ahead,
            Some(behind) if behind <= self.frames.len() as u64 => Location::InRing,
            Some(_) => Location::InLog,
        }
    }

    /// Whether the ring holds all frames after `seq` and up to `last`, and `test` returns true for each.
    pub(crate) fn all(&self, seq: u64, last: u64, test: impl Fn(&str) -> bool) -> bool {
        let Some(head) = self.head.filter(|head| seq <= last && last <= *head) else {
            return false;
        };
        let Some(start) = (self.frames.len() as u64).checked_sub(head - seq) else {
            return false;
        };
        let mut frames = self.frames.range(start as usize..).take((last - seq) as usize);
        frames.all(|frame| test(frame))
    }

    fn change(&self, moved: bool) -> Change {
        Change {
            moved,
            waiting: self.missing().is_some(),
        }
    }

    /// Keeps a frame until the ones before it arrive. When there is no room for it, no frame waits any longer: the log
    /// has them all. True when the head moved.
    fn park(&mut self, seq: u64, frame: Frame) -> bool {
        if self.early.contains_key(&seq) {
            return false;
        }
        let bytes = cost(&frame);
        let waiting: usize = self.early.values().map(cost).sum();
        if self.early.len() < EARLY && waiting + bytes <= self.budget.per_ring {
            self.early.insert(seq, frame);
            self.take(bytes);
            return false;
        }
        let newest = self.early.keys().next_back().copied().unwrap_or(0);
        self.seen = self.seen.max(newest).max(seq);
        if self.head.is_some() {
            self.jump(self.seen);
            return true;
        }
        self.drop_early();
        false
    }

    fn push(&mut self, frame: Frame) {
        self.head = self.head.map(|head| head + 1);
        self.take(cost(&frame));
        self.frames.push_back(frame);
        while self.bytes > self.budget.per_ring {
            let Some(old) = self.frames.pop_front() else { break };
            self.give_back(cost(&old));
        }
    }

    /// Moves the head past frames that are not here.
    fn jump(&mut self, head: u64) {
        self.drop_frames();
        self.head = Some(head);
        let later = self.early.split_off(&(head + 1));
        self.drop_early();
        self.take(later.values().map(cost).sum());
        self.early = later;
        self.take_early();
    }

    fn take_early(&mut self) {
        while let Some(head) = self.head
            && let Some(frame) = self.early.remove(&(head + 1))
        {
            self.give_back(cost(&frame));
            self.push(frame);
        }
    }

    fn drop_early(&mut self) {
        let bytes = self.early.values().map(cost).sum();
        self.early.clear();
        self.give_back(bytes);
    }

    fn take(&mut self, bytes: usize) {
        self.bytes += bytes;
        self.budget.taken.fetch_add(bytes, Ordering::Relaxed);
    }

    fn give_back(&mut self, bytes: usize) {
        self.bytes -= bytes;
        self.budget.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Clones frames into an empty batch: at most `bytes`, but at least one frame. Returns the number of frames.
pub(crate) fn fill<'a>(frames: impl Iterator<Item = &'a Frame>, bytes: usize, batch: &mut Batch) -> u64 {
    let mut room = bytes;
    for frame in frames.take(BATCH) {
        if !batch.is_empty() && frame.len() > room {
            break;
        }
        room = room.saturating_sub(frame.len());
        batch.push(frame.clone());
    }
    batch.len() as u64
}

/// The bytes that a frame takes of the budget.
fn cost(frame: &Frame) -> usize {
    frame.len() + FRAME_OVERHEAD
}
