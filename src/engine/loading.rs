//! A group's world while it is being loaded: what `load` and `lookups` work on, and the users' streams that are locked.

use super::costs::{Costs, QUICK};
use super::item::Whose;
use super::narrow;
use super::recovery::{Fault, Tries};
use super::shared::Shared;
use super::submission::Submission;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::{Transaction, Trouble};
use foldhash::HashSet;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use taskwire_protocol::StreamId;

/// What a lookup returns.
pub(super) type Done = Result<(), Fault>;

/// The streams on which a group relies, as far as they are known: it may find the stream of a task only while it runs.
pub(super) type Noted = Arc<Mutex<HashSet<StreamId>>>;

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
    /// How long the lookup that runs waited for locks.
    pub(super) waited: Duration,
    pub(super) costs: &'a mut Costs,
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

    /// Whether all submissions of the group are of one owner.
    pub(super) fn is_of_one(&self) -> bool {
        let owners = self.submissions.iter().map(|submission| submission.whose);
        are_same(owners)
    }

    /// A lookup that began then has ended. Its time is billed to those who asked: `things` is for how many things. If it
    /// brought too much or took too long, they are named. Each of several owners runs alone next and pays then.
    pub(super) fn ended(&mut self, done: Done, began: Instant, things: impl Fn(&Needs) -> usize) -> Done {
        let took = began.elapsed().saturating_sub(std::mem::take(&mut self.waited));
        if done.is_ok() && took < QUICK {
            return done;
        }
        let asked = self.asked(things);
        let submissions = self.submissions;
        let owners = asked
            .iter()
            .map(|(place, things)| (submissions[*place].whose, *things));
        let is_billed = match &done {
            Ok(()) => true,
            // another transaction was in the way, or the database was
            Err(Fault::Failed(error)) if error.trouble != Trouble::Late => false,
            Err(_) => are_same(owners.clone().map(|(whose, _)| whose)),
        };
        if is_billed {
            self.costs.looked_up(took, owners);
        }
        let whose = asked.iter().map(|(place, _)| *place).collect();
        match done {
            // what took too long would take as long again
            Err(Fault::Failed(error)) if error.trouble == Trouble::Late => {
                Err(Fault::Crowded { whose, error })
            }
            Err(Fault::Crowded { error, .. }) => Err(Fault::Crowded { whose, error }),
            done => done,
        }
    }

    /// The submissions for which a lookup ran, by their places, and for how many things each asked: without those that are
    /// refused already.
    fn asked(&self, things: impl Fn(&Needs) -> usize) -> Vec<(usize, u32)> {
        let submissions = self.submissions.iter().enumerate();
        let asked = submissions.map(|(place, submission)| (place, things(&submission.needs)));
        let asked = asked.filter(|(_, things)| *things > 0);
        let asked: Vec<(usize, u32)> = asked
            .map(|(place, things)| (place, u32::try_from(things).unwrap_or(u32::MAX)))
            .collect();
        if !self.is_narrowed {
            return asked;
        }
        let need_it = |needs: &Needs| things(needs) > 0;
        let is_open =
            |(place, _): &(usize, u32)| narrow::need(&self.submissions[*place], &self.world, need_it);
        let open: Vec<(usize, u32)> = asked.iter().copied().filter(is_open).collect();
        // somebody asked
        if open.is_empty() { asked } else { open }
    }
}

fn are_same(mut owners: impl Iterator<Item = Whose>) -> bool {
    let first = owners.next();
    owners.all(|owner| Some(owner) == first)
}
