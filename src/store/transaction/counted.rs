//! Counters of streams that the writer need not read. It keeps those of streams that the transaction has locked; on SQLite,
//! where nobody else writes, those of all streams that it has seen; and for an optimistic group those that the last commit
//! left (`optimistic`).

use super::optimistic::LastCommitted;
use super::ways::{self, Way};
use crate::store::streams::Counters;
use foldhash::{HashMap, HashMapExt};
use std::sync::Arc;
use taskwire_protocol::StreamId;

/// How many streams' counters are kept at most: about 2 MiB.
pub(super) const COUNTED: usize = 16_384;

/// The counters that a writer knows.
pub(in crate::store) struct CounterCache {
    kept: HashMap<StreamId, Counters>,
    /// Some of them are not committed.
    changed: bool,
    /// No other process or connection writes.
    pub(super) alone: bool,
    /// What is kept was left by a commit, and is not locked.
    optimistic: bool,
    last: Arc<LastCommitted>,
}

impl CounterCache {
    /// A writer that knows nothing yet.
    pub(super) fn new(alone: bool, last: Arc<LastCommitted>) -> CounterCache {
        CounterCache {
            kept: HashMap::new(),
            changed: false,
            alone,
            optimistic: false,
            last,
        }
    }

    /// Forgets everything. A new connection may lead to another server, which lacks the last commits.
    pub(super) fn forget(&mut self) {
        self.kept.clear();
        (self.changed, self.optimistic) = (false, false);
        self.last.forget();
    }

    pub(in crate::store) fn get(&self, stream: StreamId) -> Option<Counters> {
        self.kept.get(&stream).copied()
    }

    pub(in crate::store) fn put(&mut self, stream: StreamId, counters: Counters) {
        if !ways::is_on(Way::Counted) {
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
    pub(super) fn assume(&mut self, streams: impl IntoIterator<Item = StreamId>) -> bool {
        if self.alone || !ways::is_on(Way::Optimistic) {
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

    /// Whether `advanced` includes every stream that the group relies on, and the counters of all of them are cached.
    pub(super) fn is_verified_by(&mut self, advanced: &[StreamId]) -> bool {
        let covered = self.kept.keys().all(|stream| advanced.contains(stream));
        covered && self.assume(advanced.iter().copied())
    }

    pub(super) fn is_optimistic(&self) -> bool {
        self.optimistic
    }

    /// The transaction is committed.
    pub(super) fn keep(&mut self) {
        if std::mem::take(&mut self.optimistic) {
            self.last.held();
        }
        if !self.alone {
            self.last.put(self.kept.drain());
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

    /// An optimistic group was refused: another process had written.
    pub(super) fn doubt(&self) {
        self.last.doubt();
    }
}
