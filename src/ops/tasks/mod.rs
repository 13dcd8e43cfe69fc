//! Tasks: creating them, and what all changes of a task have in common.
//!
//! - `edit`      replace, update, complete, assign
//! - `arrange`   move
//! - `below`     the subtasks that go along with a task
//! - `blockers`  what blocks a task
//! - `remove`    delete, purge, restore
//! - `read`      one task, and lists; `indexed` lists of large workspaces
//! - `search`    where words are, in tasks and in comments
//! - `repeat`    the next task of one that repeats
//! - `places`    where a task may be, and who may be assigned to it

mod arrange;
mod below;
mod blockers;
mod edit;
mod indexed;
mod places;
mod read;
mod remove;
mod repeat;
mod search;

pub use remove::PurgeOld;

use super::caller::targets_a_task;
use super::cascade::TaskEvent;
use super::notices::tell_of_task;
use super::tags::{carried, needs_tags};
use super::world::World;
use super::{
    Act, Caller, Change, Mutation, Needs, Place, Result, Target, Targeted, bug, conflict, not_found,
};
use crate::domain::{position, stage, task as rules};
use blockers::{in_no_circle, known_blockers, narrow_blockers, needs_blockers};
use places::{fits_below, has_room_below, known_parent, known_people, known_project, narrow_parent};
use std::sync::Arc;
use taskwire_protocol::TaskId;
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::stage::{Stage, StageKind, Stages};
use taskwire_protocol::task::{
    AssignTask, CompleteTask, CreateTask, DeleteTask, GetTask, MoveTask, ReplaceTask, RestoreTask, Task,
    UpdateTask,
};

targets_a_task!(
    GetTask,
    ReplaceTask,
    UpdateTask,
    CompleteTask,
    DeleteTask,
    RestoreTask,
    MoveTask,
    AssignTask
);

impl Targeted for CreateTask {
    fn target(&self, caller: &Caller) -> Target {
        Target::Workspace(self.workspace_id.unwrap_or(caller.personal))
    }
}

impl Mutation for CreateTask {
    fn check(self) -> Result<Self> {
        rules::check_create(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        let workspace = self.workspace_id.unwrap_or(caller.personal);
        needs.tasks.extend(self.id.iter().chain(&self.parent_id));
        needs.ancestors.extend(self.parent_id);
        needs.subtasks.extend(self.parent_id);
        needs.projects.extend(self.project_id);
        // other mutations of the group may put tasks below or next to this one
        needs.made.extend(self.id.map(|id| (id, workspace)));
        let blockers = self.blocked_by.as_deref().unwrap_or_default();
        needs_blockers(self.id.is_some(), blockers, needs);
        needs_tags(Target::Workspace(workspace), self.tags.iter().flatten(), needs);
        if self.recurrence.is_some() {
            needs.zones.insert(caller.user.id); // another mutation of the group may complete it
        }
    }

    fn narrow(&self, place: Place, world: &World, _: &mut Needs) -> Result<()> {
        is_free(self, world)?;
        let Some((workspace, _)) = place else {
            return Ok(());
        };
        known_project(world, workspace, self.project_id)?;
        narrow_parent(world, workspace, self.parent_id)?;
        let blockers = self.blocked_by.as_deref().unwrap_or_default();
        narrow_blockers(world, (self.id, workspace), blockers, &[])
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let workspace = act.workspace()?;
        is_free(self, world)?;
        // the group deletes purged rows when it writes, after all decisions; it would delete the new row too
        if self.id.is_some_and(|id| world.purged().contains(&id)) {
            return Err(conflict("the task with this id was purged just now").at("id"));
        }
        let people = self.assignee_ids.as_deref().unwrap_or_default();
        known_project(world, workspace, self.project_id)?;
        known_parent(world, workspace, self.parent_id)?;
        fits_below(world, self.parent_id, 0)?;
        has_room_below(act, world, self.parent_id)?;
        act.bounds.one_more_task(world.tasks_of(workspace))?;
        known_people(world, workspace, people, &[], "assignee_ids")?;
        let blocked_by = self.blocked_by.as_deref().unwrap_or_default();
        known_blockers(world, workspace, blocked_by, &[])?;
        let stages = world.stages(workspace);
        let stage = match &self.stage {
            Some(key) => stage::known(&stages, key)?,
            None => first_open(&stages)?,
        };
        let id = self.id.unwrap_or_else(|| TaskId(act.new_id()));
        in_no_circle(world, id, blocked_by)?;
        let blockers = rules::blockers(blocked_by)?;
        let tags = carried(act, world, workspace, self.tags.iter().flatten())?;
        let mut task = Task {
            id,
            workspace_id: workspace,
            project_id: self.project_id,
            parent_id: self.parent_id,
            title: self.title.as_str().into(),
            description: self.description.as_deref().map(Into::into),
            completed: false,
            completed_at: None,
            stage: Arc::default(),
            blocked_by: blockers,
            priority: self.priority.unwrap_or_default(),
            due_at: self.due_at,
            all_day: self.all_day.unwrap_or(false),
            remind_at: self.remind_at,
            recurrence: self.recurrence.as_deref().map(Into::into),
            position: position::at_end(act.new_id()).into(),
            tags,
            assignee_ids: rules::assignees(people)?,
            comment_count: 0,
            attachment_count: 0,
            is_deleted: false,
            deleted_at: None,
            version: 1,
            created_by: act.caller.user.id,
            created_at: act.now,
            updated_at: act.now,
        };
        stage::enter(&mut task, stage, act.now);
        write::<events::TaskCreated>(act, world, None, task, Some(NotificationType::TaskCreated))
    }
}

/// Refuses an id that a task has.
fn is_free(asked: &CreateTask, world: &World) -> Result<()> {
    if asked.id.is_some_and(|id| world.tasks.get(id).is_some()) {
        return Err(conflict("a task with this id already exists").at("id"));
    }
    Ok(())
}

/// The stage of a new task.
fn first_open(stages: &Stages) -> Result<&Stage> {
    stages
        .first(StageKind::Open)
        .ok_or_else(|| bug("a workspace has no stage of kind `open`"))
}

/// The target task, which the engine has loaded.
fn there(world: &World, id: TaskId) -> Result<Task> {
    world.tasks.get(id).cloned().ok_or_else(|| not_found("task"))
}

/// The target task, if it is not deleted.
pub(super) fn living(world: &World, id: TaskId) -> Result<Task> {
    let task = there(world, id)?;
    if task.is_deleted {
        return Err(conflict("the task is deleted; restore it first"));
    }
    Ok(task)
}

fn stamped(act: &Act<'_>, before: &Task, task: Task) -> Task {
    Task {
        version: before.version + 1,
        updated_at: act.now,
        ..task
    }
}

/// Writes an edited task, unless the edit changes nothing.
fn updated(act: &Act<'_>, world: &mut World, before: Task, task: Task) -> Result<Change<Task>> {
    change::<events::TaskUpdated>(act, world, before, task, Some(NotificationType::TaskUpdated))
}

/// Writes a changed task, unless it is equal to the task before. A change that completes or reopens it is logged and told
/// as that, whatever the operation.
fn change<E: TaskEvent>(
    act: &Act<'_>,
    world: &mut World,
    before: Task,
    task: Task,
    notice: Option<NotificationType>,
) -> Result<Change<Task>> {
    if task == before {
        return Ok(Change::nothing(before));
    }
    let task = stamped(act, &before, task);
    match (before.completed, task.completed) {
        (false, true) => {
            let notice = Some(NotificationType::TaskCompleted);
            write::<events::TaskCompleted>(act, world, Some(&before), task, notice)
        }
        (true, false) => {
            let notice = Some(NotificationType::TaskPending);
            write::<events::TaskReopened>(act, world, Some(&before), task, notice)
        }
        _ => write::<E>(act, world, Some(&before), task, notice),
    }
}

fn write<E: TaskEvent>(
    act: &Act<'_>,
    world: &mut World,
    before: Option<&Task>,
    task: Task,
    notice: Option<NotificationType>,
) -> Result<Change<Task>> {
    let logged = world.emit::<E>(act, task.workspace_id, &task)?;
    if let Some(notice) = notice {
        tell_of_task(act, world, before, &task, notice)?;
    }
    if let Some(before) = before {
        repeat::stay(world, before, &task);
    }
    let completed = repeat::is_due(before, &task).then(|| task.clone());
    world.put_task(task);
    if let Some(completed) = completed {
        repeat::follow(act, world, &completed)?;
    }
    Ok(Change::as_logged(logged))
}
