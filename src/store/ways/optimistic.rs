//! Optimistic groups on PostgreSQL (Kung and Robinson, 1981): they lock nothing before they write. A group decides on
//! the counters that this process's last commit left, and its write says which seqs its streams must reach. If another
//! process advanced one of these streams in between, the database refuses the whole write. Every change of a row that a
//! stream orders advances the stream, so equal seqs mean that nothing has changed.

use crate::store::counters::Counters;
use foldhash::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taskwire_protocol::StreamId;

/// The most streams whose counters are kept, in about 2 MiB.
pub(super) const COUNTED: usize = 16_384;

/// The most groups that lock their streams first after a refusal.
const CAUTION: u32 = 1024;

/// Counters as the commits of this process left them, shared by its writers. A group takes the counters of its streams
/// out, so that no other group of this process relies on what it is about to change.
#[derive(Default)]
pub(in crate::store) struct LastCommitted(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    counters: HashMap<StreamId, Counters>,
    /// How many groups had to lock after the last refusal, halved by each optimistic group that was committed since.
    /// The next refusal doubles it.
    caution: u32,
    /// How many groups still have to lock after the last refusal.
    cautious: u32,
}

impl LastCommitted {
    fn known(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the counters of all these streams, or none.
    pub(in crate::store) fn take(&self, streams: &[StreamId]) -> Option<Vec<(StreamId, Counters)>> {
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

    pub(in crate::store) fn put(&self, left: impl Iterator<Item = (StreamId, Counters)>) {
        let mut known = self.known();
        for (stream, counters) in left {
            if known.counters.len() >= COUNTED {
                known.counters.clear();
            }
            let newest = known.counters.entry(stream).or_default();
            // another writer may have committed later and put its counters first
            if counters.seq >= newest.seq {
                *newest = counters;
            }
        }
    }

    pub(in crate::store) fn forget(&self) {
        self.known().counters.clear();
    }

    /// Notes that an optimistic group was committed.
    pub(in crate::store) fn held(&self) {
        self.known().caution /= 2;
    }

    /// Notes that an optimistic group was refused. If several processes write to the same streams, locking costs less.
    pub(in crate::store) fn doubt(&self) {
        let mut known = self.known();
        known.caution = (known.caution * 2 + 1).min(CAUTION);
        known.cautious = known.caution;
    }
}
