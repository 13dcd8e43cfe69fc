//! What an optimistic group may rely on instead of locking it, and whether its write would tell if that did not hold.
//! `store/counted` has the rest: what the last commits left, and when it is better to lock.

use super::answer::Verdict;
use super::homes::Homes;
use super::job::Job;
use crate::ops::Needs;
use crate::ops::world::World;
use crate::store::Transaction;
use std::collections::BTreeSet;
use taskwire_protocol::{StreamId, WorkspaceId};

/// The streams that order everything that these mutations need, if they are known.
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

/// Whether the streams of this world order what is in this workspace. Those that an optimistic group assumed do not where a
/// task is not at home any more: it was purged, and created anew elsewhere.
pub(super) fn orders(world: &World, workspace: WorkspaceId) -> bool {
    world.members(workspace).is_some()
}

/// Whether the write of an optimistic group, which advances these streams, tells if what it relied on held. What an op_id
/// did before is told where it is written again, so not of what is refused.
pub(super) fn is_told(
    tx: &mut Transaction,
    jobs: &[Job],
    verdicts: &[Verdict],
    advanced: &[StreamId],
) -> bool {
    let mut done = jobs.iter().zip(verdicts);
    done.all(|(job, verdict)| job.op_ids().next().is_none() || verdict.is_done()) && tx.is_told_by(advanced)
}
