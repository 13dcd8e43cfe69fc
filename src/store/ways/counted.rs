//! Counters of streams that the writer need not read. It keeps the counters of streams that the transaction has locked;
//! on SQLite, where no other process writes, those of all streams that it has seen; and for an optimistic group those
//! that the last commit left (`optimistic`).

use super::optimistic::{COUNTED, LastCommitted};
use super::{Way, is_on};
use crate::store::counters::Counters;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;
use taskwire_protocol::StreamId;

/// The counters that a writer knows.
pub(in crate::store) struct CounterCache {
    kept: HashMap<StreamId, Counters>,
    /// Some of the kept counters are not committed.
    changed: bool,
    /// No other process or connection writes.
    pub(in crate::store) alone: bool,
    /// The kept counters are those that a commit left; they are not locked.
    optimistic: bool,
    last: Arc<LastCommitted>,
}

impl CounterCache {
    /// A writer that knows nothing yet.
    pub(in crate::store) fn new(alone: bool, last: Arc<LastCommitted>) -> CounterCache {
        CounterCache {
            kept: HashMap::new(),
            changed: false,
            alone,
            optimistic: false,
            last,
        }
    }

    /// Forgets everything. A new connection may lead to another server, which lacks the last commits.
    pub(in crate::store) fn forget(&mut self) {
        self.kept.clear();
        (self.changed, self.optimistic) = (false, false);
        self.last.forget();
    }

    pub(in crate::store) fn get(&self, stream: StreamId) -> Option<Counters> {
        self.kept.get(&stream).copied()
    }

    pub(in crate::store) fn put(&mut self, stream: StreamId, counters: Counters) {
        if !is_on(Way::Counted) {
            return;
        }
        if self.kept.len() >= COUNTED {
            self.kept.clear();
        }
        self.kept.insert(stream, counters);
    }

    pub(in crate::store) fn change(&mut self, stream: StreamId, counters: Counters) {
        self.put(stream, counters);
        self.changed = true;
    }

    /// Takes the counters of these streams as the last commits left them, if all are known.
    pub(in crate::store) fn assume(&mut self, streams: impl IntoIterator<Item = StreamId>) -> bool {
        if self.alone || !is_on(Way::Optimistic) {
            return false;
        }
        let streams = streams
            .into_iter()
            .filter(|stream| !self.kept.contains_key(stream));
        let streams: Vec<StreamId> = streams.collect();
        let Some(taken) = self.last.take(&streams) else {
            return false;
        };
        self.kept.extend(taken);
        self.optimistic = true;
        true
    }

    /// Whether all streams that the group relies on are among `advanced`, and the counters of the other streams in
    /// `advanced` are known too.
    pub(in crate::store) fn is_verified_by(&mut self, advanced: &[StreamId]) -> bool {
        let covered = self.kept.keys().all(|stream| advanced.contains(stream));
        covered && self.assume(advanced.iter().copied())
    }

    pub(in crate::store) fn is_optimistic(&self) -> bool {
        self.optimistic
    }

    /// Keeps the counters, because the transaction is committed.
    pub(in crate::store) fn keep(&mut self) {
        if std::mem::take(&mut self.optimistic) {
            self.last.held();
        }
        if !self.alone {
            self.last.put(self.kept.drain());
        }
        self.changed = false;
    }

    /// Forgets the changed counters, because the transaction is rolled back.
    pub(in crate::store) fn undo(&mut self) {
        self.optimistic = false;
        if std::mem::take(&mut self.changed) || !self.alone {
            self.kept.clear();
        }
    }

    /// Notes that an optimistic group was refused, because another process had written.
    pub(in crate::store) fn doubt(&self) {
        self.last.doubt();
    }
}

#[cfg(test)]
mod tests {
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
    fn only_one_writer_takes_the_counters_that_a_commit_left() {
        let left = Arc::new(LastCommitted::default());
        let mut one = committed(&left, &[(1, 5), (2, 7)]);
        assert_eq!(one.get(stream(1)), None, "it is not locked any more");
        assert!(!one.assume([stream(1), stream(3)]), "the third is unknown");
        assert!(one.assume([stream(1), stream(2)]));
        assert_eq!(one.get(stream(2)), Some(at(7)));
        let taken = left.take(&[stream(1)]);
        assert!(taken.is_none(), "another writer must not rely on it too");
        one.change(stream(1), at(6));
        one.keep();
        assert_eq!(left.take(&[stream(1)]), Some(vec![(stream(1), at(6))]));
    }

    #[test]
    fn counters_of_a_failed_transaction_are_forgotten() {
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
        // a committed group halves the caution again
        assert_eq!((refused(&mut one), refused(&mut one)), (1, 1));
        one.doubt();
        one.doubt();
        assert_eq!(refused(&mut one), 7);
    }

    #[test]
    fn older_counters_that_arrive_late_do_not_replace_newer_ones() {
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
