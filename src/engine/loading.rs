//! A group's world while it is being loaded: what `load` and `lookups` work on, and the users' streams that are locked.

use super::recovery::{Fault, Tries};
use super::shared::Shared;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::Transaction;
use std::collections::BTreeSet;
use taskwire_protocol::StreamId;

/// The users' streams that a group has locked. Every transaction locks workspaces first and then users, each in the
/// order of their ids, so a group that holds a user's stream may only wait for streams that sort after it.
#[derive(Default)]
pub(super) struct HeldUsers(BTreeSet<StreamId>);

impl HeldUsers {
    /// Refuses streams that the group would lock out of order.
    pub(super) fn admit(&self, streams: impl Iterator<Item = StreamId>) -> std::result::Result<(), Fault> {
        let Some(last) = self.0.last().map(|stream| stream.uuid()) else {
            return Ok(());
        };
        let more: BTreeSet<StreamId> = streams
            .filter(|stream| matches!(stream, StreamId::User(_)) && !self.0.contains(stream))
            .collect();
        if more.iter().any(|stream| stream.uuid() < last) {
            return Err(Fault::Narrow(more));
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, streams: impl IntoIterator<Item = StreamId>) {
        let users = streams
            .into_iter()
            .filter(|stream| matches!(stream, StreamId::User(_)));
        self.0.extend(users);
    }
}

/// A group's world while it is being loaded.
pub(super) struct Loading<'a> {
    pub(super) tx: &'a mut Transaction,
    pub(super) shared: &'a Shared,
    pub(super) needs: &'a Needs,
    pub(super) tries: &'a Tries,
    /// The group has only one submission.
    pub(super) is_one: bool,
    pub(super) world: World,
    pub(super) users: HeldUsers,
}
