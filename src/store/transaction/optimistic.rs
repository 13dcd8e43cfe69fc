//! Optimistic groups on PostgreSQL (Kung and Robinson, 1981): they lock nothing before they write. A group decides on the
//! counters that this process's last commit left, and its write says which seqs its streams must come to. If another process
//! advanced one of these streams in between, the database refuses the whole write. Every change of what a stream orders
//! advances the stream, so equal seqs mean that nothing had changed.

use super::counted::COUNTED;
use crate::store::streams::Counters;
use foldhash::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taskwire_protocol::StreamId;

/// After a refusal, so many groups lock their streams first, at most.
const CAUTION: u32 = 1024;

/// Counters as the commits of this process left them, shared by its writers. A group takes the counters of its streams out,
/// so that no other group of this process relies on what it is about to change.
#[derive(Default)]
pub(in crate::store) struct LastCommitted(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    counters: HashMap<StreamId, Counters>,
    /// How many groups are to lock after the next refusal.
    caution: u32,
    /// How many groups still have to lock after the last one.
    cautious: u32,
}

impl LastCommitted {
    fn known(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the counters of all these streams, or none.
    pub(super) fn take(&self, streams: &[StreamId]) -> Option<Vec<(StreamId, Counters)>> {
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

    pub(super) fn put(&self, left: impl Iterator<Item = (StreamId, Counters)>) {
        let mut known = self.known();
        for (stream, counters) in left {
            if known.counters.len() >= COUNTED {
                known.counters.clear();
            }
            let newest = known.counters.entry(stream).or_default();
            // another writer may have committed later and have come here first
            if counters.seq >= newest.seq {
                *newest = counters;
            }
        }
    }

    pub(super) fn forget(&self) {
        self.known().counters.clear();
    }

    /// An optimistic group was committed.
    pub(super) fn held(&self) {
        self.known().caution /= 2;
    }

    /// An optimistic group was refused. Where several processes write to the same streams, locking them costs less.
    pub(super) fn doubt(&self) {
        let mut known = self.known();
        known.caution = (known.caution * 2 + 1).min(CAUTION);
        known.cautious = known.caution;
    }
}

#[cfg(test)]
mod tests {
    use super::super::counted::CounterCache;
    use super::*;
    use std::sync::Arc;
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

    fn committed(left: &Arc<LastCommitted>, all: &[(u128, i64)]) -> CounterCache {
        let mut counted = CounterCache::new(false, left.clone());
        for (n, seq) in all {
            counted.change(stream(*n), at(*seq));
        }
        counted.keep();
        counted
    }

    #[test]
    fn what_a_commit_left_is_taken_by_one_writer() {
        let left = Arc::new(LastCommitted::default());
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
        let left = Arc::new(LastCommitted::default());
        let mut one = committed(&left, &[(1, 5)]);
        assert!(one.assume([stream(1)]));
        one.change(stream(1), at(6));
        one.undo();
        assert!(!one.is_optimistic());
        assert!(!one.assume([stream(1)]));
    }

    #[test]
    fn after_a_refusal_groups_lock_for_a_while() {
        let left = Arc::new(LastCommitted::default());
        let mut one = committed(&left, &[(1, 5)]);
        let refused = |one: &mut CounterCache| {
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
        let left = Arc::new(LastCommitted::default());
        left.put([(stream(1), at(9))].into_iter());
        left.put([(stream(1), at(8))].into_iter());
        assert_eq!(left.take(&[stream(1)]), Some(vec![(stream(1), at(9))]));
    }

    #[test]
    fn a_new_connection_knows_nothing() {
        let left = Arc::new(LastCommitted::default());
        let mut one = committed(&left, &[(1, 5)]);
        one.forget();
        assert!(!one.assume([stream(1)]));
    }
}
