//! What blocks a task: tasks of the same workspace, in no circle.

use crate::ops::world::{Crowd, World};
use crate::ops::{Needs, Result, conflict, not_found, too_many};
use crate::store::tasks::MOST_BLOCKING;
use std::collections::BTreeSet;
use taskwire_protocol::{Failure, TaskId, WorkspaceId, limits};

/// To check what blocks a task, a mutation needs these tasks, and all that block them if others can name the task.
pub(super) fn needs_blockers(is_named: bool, given: &[TaskId], needs: &mut Needs) {
    needs.tasks.extend(given);
    if is_named {
        needs.blockers.extend(given);
    }
}

/// Checks that new blockers are tasks of the workspace, deleted ones included: those do not block. `given` is the list that
/// the client sent.
pub(super) fn known_blockers(
    world: &World,
    workspace: WorkspaceId,
    given: &[TaskId],
    before: &[TaskId],
) -> Result<()> {
    refuse_unknown(given, |id| before.contains(id) || is_in(world, workspace, *id))
}

fn is_in(world: &World, workspace: WorkspaceId, id: TaskId) -> bool {
    let task = world.tasks.get(id);
    task.is_some_and(|task| task.workspace_id == workspace)
}

fn refuse_unknown(given: &[TaskId], is_known: impl Fn(&TaskId) -> bool) -> Result<()> {
    match given.iter().position(|id| !is_known(id)) {
        None => Ok(()),
        Some(i) => Err(not_found("task").at(format!("blocked_by[{i}]"))),
    }
}

/// The same before lookups ran: another mutation of the group may make one of them.
pub(super) fn narrow_blockers(
    world: &World,
    (task, workspace): (Option<TaskId>, WorkspaceId),
    given: &[TaskId],
    before: &[TaskId],
) -> Result<()> {
    let is_made = |id: &TaskId| world.is_expected(*id, workspace);
    refuse_unknown(given, |id| {
        before.contains(id) || is_in(world, workspace, *id) || is_made(id)
    })?;
    if task.is_some_and(|task| given.contains(&task)) && !given.iter().any(is_made) {
        return Err(circle());
    }
    Ok(())
}

fn circle() -> Failure {
    conflict("these tasks would block each other in a circle").at("blocked_by")
}

/// Refuses a circle. Whatever blocks these tasks is in memory: each mutation of the group that makes a task wait for others
/// needs all that block them, and sees what the mutations before it did. Of a batch it may be too much: then what comes
/// before these tasks may be known all the same.
pub(super) fn in_no_circle(world: &World, task: TaskId, blockers: &[TaskId]) -> Result<()> {
    let mut seen: BTreeSet<TaskId> = blockers.iter().copied().collect();
    let mut next: Vec<TaskId> = blockers.to_vec();
    let mut is_known = true;
    while let Some(id) = next.pop() {
        if id == task {
            return Err(circle());
        }
        if seen.len() > limits::BLOCKED_AFTER {
            let message = format!(
                "more than {} tasks would come before this one",
                limits::BLOCKED_AFTER
            );
            return Err(conflict(&message).at("blocked_by"));
        }
        let before = world.blockers_of(id);
        is_known &= before.is_some();
        next.extend(before.unwrap_or_default().iter().filter(|id| seen.insert(**id)));
    }
    if is_known || world.has_all(Crowd::Before) {
        return Ok(());
    }
    let message = format!(
        "more than {MOST_BLOCKING} tasks come before those that the batch names as blockers; send fewer mutations at once"
    );
    Err(too_many(&message, MOST_BLOCKING).at("blocked_by"))
}
