//! The users who were removed from a stream, and the seq at which their access ends. Pure bookkeeping, empty for most
//! streams.

use std::collections::HashSet;
use taskwire_protocol::UserId;

/// With more removals than this, those of users who do not watch here are dropped.
const ROOM: usize = 64;

/// The user of a cursor, and when they were given access.
#[derive(Clone, Copy)]
pub(crate) struct Reader {
    pub(crate) user: UserId,
    /// Removals up to this seq were known when the user was given access.
    pub(crate) since: u64,
}

/// The removals of one stream.
#[derive(Default)]
pub(crate) struct Removals {
    /// The newest removal. Most reads compare only this: it is not after the reader's join.
    newest: u64,
    all: Vec<(UserId, u64)>,
}

impl Removals {
    /// Ends the user's access before `seq`. True when there are so many removals that [`Removals::keep_only`] is due.
    pub(crate) fn add(&mut self, user: UserId, seq: u64) -> bool {
        if !self.all.contains(&(user, seq)) {
            self.newest = self.newest.max(seq);
            self.all.push((user, seq));
        }
        self.all.len() > ROOM
    }

    /// Drops the removals of users who do not watch here. A user who joins later was given access after them.
    pub(crate) fn keep_only(&mut self, here: &HashSet<UserId>) {
        self.all.retain(|(user, _)| here.contains(user));
        self.all.shrink_to_fit();
    }

    /// The seq before which the reader's access ends: the user's first removal that was not known when they were given
    /// access.
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
