//! Streams' counters that need not be read: of streams that the transaction has locked; on SQLite, where nobody else
//! writes, of all that were ever seen; and on PostgreSQL those of an optimistic group, as the last commit left them.
//!
//! An optimistic group (Kung and Robinson, 1981) locks nothing before it writes. It decides on what this process wrote
//! last, and its write says which seqs it has to come to: when somebody else advanced one of its streams in between, the
//! database refuses all of it. Every change of what a stream orders advances the stream, so that says everything.

use super::streams::Counters;
use foldhash::{HashMap, HashMapExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taskwire_protocol::StreamId;

/// Streams whose counters are kept: about 2 MiB.
const COUNTED: usize = 16_384;
/// Groups at most that lock what they need after one that was refused.
const CAUTION: u32 = 1024;

/// What a writer knows.
pub(super) struct Counted {
    kept: HashMap<StreamId, Counters>,
    /// Some are not committed.
    changed: bool,
    /// Nobody else writes.
    pub(super) alone: bool,
    /// What is kept was left by a commit, and is not locked.
    optimistic: bool,
    left: Arc<Left>,
}

impl Counted {
    /// A writer that knows nothing yet.
    pub(super) fn new(alone: bool, left: Arc<Left>) -> Counted {
        Counted {
            kept: HashMap::new(),
            changed: false,
            alone,
            optimistic: false,
            left,
        }
    }

    /// A new connection: the server may be another one, which did not see the last commits.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        (self.changed, self.optimistic) = (false, false);
        self.left.forget();
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<Counters> {
        self.kept.get(&stream).copied()
    }

    pub(super) fn put(&mut self, stream: StreamId, counters: Counters) {
        if self.kept.len() >= COUNTED {
            self.kept.clear();
        }
        self.kept.insert(stream, counters);
    }

    pub(super) fn change(&mut self, stream: StreamId, counters: Counters) {
        self.put(stream, counters);
        self.changed = true;
    }

    /// Takes the counters of these streams as they were left, if those of all are known.
    pub(super) fn assume(&mut self, streams: impl IntoIterator<Item = StreamId>) -> bool {
        let streams = streams
            .into_iter()
            .filter(|stream| !self.kept.contains_key(stream));
        let streams: Vec<StreamId> = streams.collect();
        let taken = if self.alone {
            None
        } else {
            self.left.take(&streams)
        };
        let Some(taken) = taken else { return false };
        self.kept.extend(taken);
        self.optimistic = true;
        true
    }

    /// Whether all that it relies on is among the streams that are to be advanced, and what else is among them is known too.
    pub(super) fn is_told_by(&mut self, advanced: &[StreamId]) -> bool {
        let told = self.kept.keys().all(|stream| advanced.contains(stream));
        told && self.assume(advanced.iter().copied())
    }

    pub(super) fn is_optimistic(&self) -> bool {
        self.optimistic
    }

    /// The transaction is committed.
    pub(super) fn keep(&mut self) {
        if std::mem::take(&mut self.optimistic) {
            self.left.held();
        }
        if !self.alone {
            self.left.put(self.kept.drain());
        }
        self.changed = false;
    }

    /// The transaction is over, and what it changed is undone.
    pub(super) fn undo(&mut self) {
        self.optimistic = false;
        if std::mem::take(&mut self.changed) || !self.alone {
            self.kept.clear();
        }
    }

    /// Somebody else had written.
    pub(super) fn doubt(&self) {
        self.left.doubt();
    }
}

/// Counters as the commits of this process left them, shared by its writers. A group takes those of its streams out, so
/// no other of this process relies on what it is about to change.
#[derive(Default)]
pub(super) struct Left(Mutex<Known>);

#[derive(Default)]
struct Known {
    counters: HashMap<StreamId, Counters>,
    /// Groups that lock what they need after the next one that is refused,
    caution: u32,
    /// and those that still have to.
    cautious: u32,
}

impl Left {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of these, or nothing.
    fn take(&self, streams: &[StreamId]) -> Option<Vec<(StreamId, Counters)>> {
        let mut known = self.known();
        if known.cautious > 0 {
            known.cautious -= 1;
            return None;
        }
        if !streams.iter().all(|stream| known.counters.contains_key(stream)) {
            return None;
        }
        let taken = streams
            .iter()
            .filter_map(|stream| known.counters.remove_entry(stream));
        Some(taken.collect())
    }

    fn put(&self, left: impl Iterator<Item = (StreamId, Counters)>) {
        let mut known = self.known();
        for (stream, counters) in left {
            if known.counters.len() >= COUNTED {
                known.counters.clear();
            }
            let newest = known.counters.entry(stream).or_default();
            // another writer may have been first to say what it did after this one
            if counters.seq >= newest.seq {
                *newest = counters;
            }
        }
    }

    fn forget(&self) {
        self.known().counters.clear();
    }

    /// An optimistic group was let through.
    fn held(&self) {
        self.known().caution /= 2;
    }

    /// One was refused: where several processes write to the same streams it costs less to lock them.
    fn doubt(&self) {
        let mut known = self.known();
        known.caution = (known.caution * 2 + 1).min(CAUTION);
        known.cautious = known.caution;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::UserId;
    use uuid::Uuid;

    fn stream(n: u128) -> StreamId {
        StreamId::User(UserId(Uuid::from_u128(n)))
    }

    fn at(seq: i64) -> Counters {
        Counters {
            seq,
            ..Counters::default()
        }
    }

    fn committed(left: &Arc<Left>, all: &[(u128, i64)]) -> Counted {
        let mut counted = Counted::new(false, left.clone());
        for (n, seq) in all {
            counted.change(stream(*n), at(*seq));
        }
        counted.keep();
        counted
    }

    #[test]
    fn what_a_commit_left_is_taken_by_one_writer() {
        let left = Arc::new(Left::default());
        let mut one = committed(&left, &[(1, 5), (2, 7)]);
        assert_eq!(one.get(stream(1)), None, "it is not locked any more");
        assert!(!one.assume([stream(1), stream(3)]), "nobody knows the third");
        assert!(one.assume([stream(1), stream(2)]));
        assert_eq!(one.get(stream(2)), Some(at(7)));
        let taken = left.take(&[stream(1)]);
        assert!(taken.is_none(), "another writer must not rely on it too");
        one.change(stream(1), at(6));
        one.keep();
        assert_eq!(left.take(&[stream(1)]), Some(vec![(stream(1), at(6))]));
    }

    #[test]
    fn what_failed_is_not_known_any_more() {
        let left = Arc::new(Left::default());
        let mut one = committed(&left, &[(1, 5)]);
        assert!(one.assume([stream(1)]));
        one.change(stream(1), at(6));
        one.undo();
        assert!(!one.is_optimistic());
        assert!(!one.assume([stream(1)]));
    }

    #[test]
    fn after_a_refusal_groups_lock_for_a_while() {
        let left = Arc::new(Left::default());
        let mut one = committed(&left, &[(1, 5)]);
        let refused = |one: &mut Counted| {
            one.doubt();
            let mut locked = 0;
            while !one.assume([stream(1)]) {
                locked += 1;
            }
            one.keep();
            locked
        };
        // a group that is let through halves the caution again
        assert_eq!((refused(&mut one), refused(&mut one)), (1, 1));
        one.doubt();
        one.doubt();
        assert_eq!(refused(&mut one), 7);
    }

    #[test]
    fn a_late_word_does_not_hide_a_later_commit() {
        let left = Arc::new(Left::default());
        left.put([(stream(1), at(9))].into_iter());
        left.put([(stream(1), at(8))].into_iter());
        assert_eq!(left.take(&[stream(1)]), Some(vec![(stream(1), at(9))]));
    }

    #[test]
    fn a_new_connection_knows_nothing() {
        let left = Arc::new(Left::default());
        let mut one = committed(&left, &[(1, 5)]);
        one.forget();
        assert!(!one.assume([stream(1)]));
    }
}
