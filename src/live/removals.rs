//! Who was removed from a stream, and at which seq their reading ends. Pure bookkeeping, empty for most streams.

use std::collections::HashSet;
use taskwire_protocol::UserId;

/// With more removals than this, those of users who do not watch here are dropped.
const ROOM: usize = 64;

/// Who reads.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) user: UserId,
    /// Removals up to this seq were known when the user was let in.
    pub(crate) since: u64,
}

/// The removals of one stream.
#[derive(Default)]
pub(crate) struct Removals {
    /// The newest removal. Most reads look at nothing else: it is not after their join.
    newest: u64,
    all: Vec<(UserId, u64)>,
}

impl Removals {
    /// The user's access ends before `seq`. True when there are many by now: see [`Removals::keep_only`].
    pub(crate) fn add(&mut self, user: UserId, seq: u64) -> bool {
        if !self.all.contains(&(user, seq)) {
            self.newest = self.newest.max(seq);
            self.all.push((user, seq));
        }
        self.all.len() > ROOM
    }

    /// Drops the removals of users who do not watch here. A user who joins later was let in after them.
    pub(crate) fn keep_only(&mut self, here: &HashSet<UserId>) {
        self.all.retain(|(user, _)| here.contains(user));
        self.all.shrink_to_fit();
    }

    /// The seq before which the reader's access ends: their first removal that was not known when they were let in.
    pub(crate) fn end_of(&self, reader: Reader) -> Option<u64> {
        if self.newest <= reader.since {
            return None;
        }
        let theirs = self
            .all
            .iter()
            .filter(|(user, seq)| *user == reader.user && *seq > reader.since);
        theirs.map(|(_, seq)| *seq).min()
    }
}
