//! Deleting a task so that it can be restored, purging it for good, and restoring it.

use super::places::all_below_known;
use super::{below, change, stamped, there};
use crate::ops::notices::tell_of_task;
use crate::ops::step::{Step, decided_as_steps};
use crate::ops::world::{Crowd, Logged, World};
use crate::ops::{
    Act, Caller, Change, DONE, Mutation, Needs, Place, Result, Target, cascade, json, notifications, too_many,
};
use crate::store::jobs::{ForgetTask, NewJob};
use crate::store::tasks::MOST;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::task::{DeleteTask, Deleted, Purged, RestoreTask, Task};
use taskwire_protocol::{ErrorCode, Failure, TaskId, Timestamp, WorkspaceId};

impl Mutation for DeleteTask {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        if self.permanent == Some(true) {
            needs_to_purge(self.id, needs);
        } else {
            needs.below.insert(self.id);
        }
    }

    fn narrow(&self, _: Place, world: &World, needs: &mut Needs) -> Result<()> {
        let is_deleted = world.tasks.get(self.id).is_some_and(|task| task.is_deleted);
        if is_deleted && self.permanent != Some(true) {
            needs.below.clear();
        }
        Ok(())
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Deleted>> {
        let before = there(world, self.id)?;
        if self.permanent == Some(true) {
            all_below_known(world)?;
            let (logged, purged) = purge(act, world, &before)?;
            return Ok(Change::logged(logged, Deleted::Purged(purged)));
        }
        if before.is_deleted {
            return Ok(Change::nothing(Deleted::Task(Box::new(before))));
        }
        all_below_known(world)?;
        let time = below::delete(act, world, &before, |_| ())?;
        let task = Task {
            is_deleted: true,
            deleted_at: Some(time),
            ..before.clone()
        };
        let task = stamped(act, &before, task);
        let logged = world.emit::<events::TaskDeleted>(act, task.workspace_id, &task)?;
        tell_of_task(act, world, Some(&before), &task, NotificationType::TaskDeleted)?;
        world.put_task(task.clone());
        Ok(Change::logged(logged, Deleted::Task(Box::new(task))))
    }
}

impl Mutation for RestoreTask {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.siblings.insert(self.id);
        needs.below.insert(self.id);
    }

    fn narrow(&self, _: Place, world: &World, _: &mut Needs) -> Result<()> {
        world.tasks.get(self.id).map_or(Ok(()), deleted)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = there(world, self.id)?;
        deleted(&before)?;
        all_below_known(world)?;
        // what comes back below the task had room there when it was deleted with it
        if let Some(parent) = before.parent_id {
            act.bounds.one_more_subtask(world.subtasks(parent))?;
        }
        let task = Task {
            is_deleted: false,
            deleted_at: None,
            ..before.clone()
        };
        let notice = Some(NotificationType::TaskRestored);
        let change = change::<events::TaskRestored>(act, world, before.clone(), task, notice)?;
        below::restore(act, world, &before)?;
        Ok(change)
    }
}

fn deleted(task: &Task) -> Result<()> {
    if task.is_deleted {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::NotDeleted, "the task is not deleted"))
}

/// Removes a task for good: its row, its content in the log, the notifications about it. Its subtasks are deleted so that
/// they can be restored, without a parent. The tasks that it blocks stay, without it. When much was told about it, a job
/// forgets that; until then nobody is shown any of it (`store/purges`).
fn purge(act: &Act<'_>, world: &mut World, task: &Task) -> Result<(Logged<Purged>, Purged)> {
    if !world.has_all(Crowd::Blocked) {
        let message = format!(
            "more than {MOST} tasks are blocked by it, with deleted ones; take it out of `blocked_by` of some of \
             them first, and in a batch name fewer tasks"
        );
        return Err(too_many(&message, MOST));
    }
    let forget_it = |other: &mut Task| {
        other.parent_id = other.parent_id.filter(|parent| *parent != task.id);
        other.blocked_by.retain(|blocker| *blocker != task.id);
    };
    // what lives below a deleted task was restored on purpose
    if !task.is_deleted {
        below::delete(act, world, task, forget_it)?;
    }
    let names_it = |other: &&Task| other.parent_id == Some(task.id) || other.blocked_by.contains(&task.id);
    let others = world.tasks.iter().map(|(_, other)| other);
    let mut others: Vec<Task> = others.filter(names_it).cloned().collect();
    others.sort_unstable_by_key(|other| other.id);
    cascade::each::<events::TaskUpdated>(act, world, task.workspace_id, others, forget_it)?;
    let mut left: Vec<_> = world
        .notifications
        .iter()
        .filter(|(_, notification)| notification.task_id == Some(task.id))
        .map(|((user, id), notification)| (*user, *id, notification.is_read))
        .collect();
    left.sort_unstable_by_key(|(user, id, _)| (*user, *id));
    for (user, id, is_read) in left {
        notifications::remove(act, world, user, id, is_read)?;
    }
    let purged = Purged {
        id: task.id,
        version: task.version + 1,
    };
    world.purge_task(task.id)?;
    if world.is_much_told(task.id) {
        let job = ForgetTask { task: task.id };
        world.enqueue(NewJob::new(task.id.to_string(), &job, Duration::ZERO)?);
    }
    let logged = world.emit::<events::TaskPurged>(act, task.workspace_id, &purged)?;
    Ok((logged, purged))
}

fn needs_to_purge(id: TaskId, needs: &mut Needs) {
    needs.below.insert(id);
    needs.blocked.insert(id);
    needs.notified.insert(id);
    needs.leaving.insert(id);
    needs.alone = true;
    needs.frees = true;
}

decided_as_steps!(PurgeOld);

/// Purges a task that was deleted so long ago that the settings do not keep it any longer. One that was restored meanwhile
/// stays, and so does one whose workspace is about to be erased.
pub struct PurgeOld {
    /// The task.
    pub task: TaskId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// It must have been deleted before this moment.
    pub before: Timestamp,
}

impl Step for PurgeOld {
    const NAME: &'static str = "task.purge_old";

    fn target(&self) -> Target {
        Target::Outside(self.workspace)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.tasks.insert(self.task);
        needs_to_purge(self.task, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let members = world.members(self.workspace);
        let is_there = members.is_some_and(|members| !members.is_empty());
        let task = world.tasks.get(self.task).filter(|task| {
            let is_old = task.deleted_at.is_some_and(|at| at < self.before);
            is_there && is_old && task.workspace_id == self.workspace
        });
        if let Some(task) = task.cloned() {
            all_below_known(world)?;
            purge(act, world, &task)?;
        }
        Ok(json(&DONE)?.into())
    }
}
