//! What an optimistic group may assume without a lock, and whether its write verifies the assumption.
//! `store/ways/optimistic` has the counters that the last commits left, and decides when locking is better.

use super::answer::Verdict;
use super::homes::Homes;
use super::submission::Submission;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::Transaction;
use std::collections::BTreeSet;
use taskwire_protocol::{StreamId, WorkspaceId};

/// The streams that order all rows that these mutations need. `None` if one of these streams is unknown, or if a
/// mutation needs rows that no workspace's stream orders.
pub(super) fn ordered_by(homes: &Homes, needs: &Needs) -> Option<BTreeSet<StreamId>> {
    if !needs.is_ordered_by_workspaces() {
        return None;
    }
    let mut streams = needs.streams.clone();
    for task in &needs.tasks {
        streams.insert(homes.get(*task)?.into());
    }
    Some(streams)
}

/// Whether the group assumed the stream of this workspace. It did not if a task was purged and created again in another
/// workspace: then the remembered workspace is wrong.
pub(super) fn orders(world: &World, workspace: WorkspaceId) -> bool {
    world.members(workspace).is_some()
}

/// Whether the write of an optimistic group, which advances these streams, verifies its assumptions. A used op_id is
/// detected when the group inserts it again. A refused mutation inserts none, so nothing verifies that its op_id is
/// new.
pub(super) fn is_verified(
    tx: &mut Transaction,
    submissions: &[Submission],
    verdicts: &[Verdict],
    advanced: &[StreamId],
) -> bool {
    let mut done = submissions.iter().zip(verdicts);
    done.all(|(submission, verdict)| submission.op_ids().next().is_none() || verdict.is_done())
        && tx.is_verified_by(advanced)
}
