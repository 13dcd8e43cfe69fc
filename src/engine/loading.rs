//! A group's world while it is being loaded: what `load` and `lookups` work on, and the users' streams that are locked.

use super::narrow;
use super::recovery::{Fault, Tries};
use super::shared::Shared;
use super::submission::Submission;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::{Transaction, Trouble};
use std::collections::BTreeSet;
use taskwire_protocol::StreamId;

/// What a lookup returns.
pub(super) type Done = Result<(), Fault>;

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
    pub(super) submissions: &'a [Submission],
    pub(super) world: World,
    pub(super) users: HeldUsers,
    /// Lookups are for some of the mutations only.
    pub(super) is_narrowed: bool,
    /// How many tasks lookups brought that nothing bounds.
    pub(super) brought: usize,
}

impl Loading<'_> {
    /// Whether the group has only one submission.
    pub(super) fn is_one(&self) -> bool {
        self.submissions.len() == 1
    }

    /// Whether the group has only one of the server's own steps.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.submissions, [one] if one.is_own())
    }

    /// Names the submissions for which a lookup ran that brought too much or took too long: those that need what it
    /// finds, without those that are refused already.
    pub(super) fn blame(&self, fault: Fault, need_it: impl Fn(&Needs) -> bool) -> Fault {
        let error = match fault {
            Fault::Crowded { error, .. } => error,
            // what took too long would take as long again
            Fault::Failed(error) if error.trouble == Trouble::Late => error,
            fault => return fault,
        };
        let submissions = self.submissions.iter().enumerate();
        let asked = submissions.filter(|(_, submission)| need_it(&submission.needs));
        let asked: BTreeSet<usize> = asked.map(|(i, _)| i).collect();
        let mut whose = asked.clone();
        if self.is_narrowed {
            whose.retain(|i| narrow::need(&self.submissions[*i], &self.world, &need_it));
        }
        // somebody asked
        let whose = if whose.is_empty() { asked } else { whose };
        Fault::Crowded { whose, error }
    }
}
