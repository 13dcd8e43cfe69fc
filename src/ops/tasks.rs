//! Tasks.

use super::caller::targets_a_task;
use super::notices::tell_of_task;
use super::task_places::{
    known_parent, known_people, known_place, known_project, needs_parent, place_beside,
};
use super::world::World;
use super::{
    Act, Ask, Caller, Change, Mutation, Needs, Query, Result, Target, Targeted, conflict, cursor, not_found,
    notifications,
};
use crate::domain::{position, task as rules};
use crate::store::task_list::{self, Place};
use crate::store::tasks;
use serde_json::json;
use taskwire_protocol::events::{self, PlainEvent};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::task::{
    AssignTask, CompleteTask, CreateTask, DeleteTask, Deleted, GetTask, ListTasks, MoveTask, Purged,
    ReplaceTask, RestoreTask, Task, UpdateTask, Where,
};
use taskwire_protocol::{ErrorCode, Failure, Page, Patch, TaskId, WorkspaceId, limits};

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

impl Targeted for ListTasks {
    fn target(&self, caller: &Caller) -> Target {
        match self.workspace_id {
            None => Target::Workspace(caller.personal),
            Some(Where::One(id)) => Target::Workspace(id),
            Some(Where::Everywhere(_)) => Target::Own,
        }
    }
}

impl Mutation for CreateTask {
    fn check(self) -> Result<Self> {
        rules::check_create(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.tasks.extend(self.id.iter().chain(&self.parent_id));
        if let Some(id) = self.id {
            // other mutations of the group may put tasks below or beside it
            needs.ancestors.extend(self.parent_id);
            let workspace = self.workspace_id.unwrap_or(caller.personal);
            needs.made.insert((id, workspace));
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let workspace = act.workspace()?;
        if self.id.is_some_and(|id| world.tasks.get(id).is_some()) {
            return Err(conflict("a task has this id already").at("id"));
        }
        // the group deletes the purged row when it is written, after all decisions: a new row would go with it
        if self.id.is_some_and(|id| world.purged().contains(&id)) {
            return Err(conflict("the task with this id was purged just now").at("id"));
        }
        let people = self.assignee_ids.as_deref().unwrap_or_default();
        known_project(self.project_id)?;
        known_parent(world, workspace, self.parent_id)?;
        known_people(world, workspace, people, &[], "assignee_ids")?;
        let id = self.id.unwrap_or_else(|| TaskId(act.new_id()));
        let task = Task {
            id,
            workspace_id: workspace,
            project_id: self.project_id,
            parent_id: self.parent_id,
            title: self.title.as_str().into(),
            description: self.description.as_deref().map(Into::into),
            completed: false,
            completed_at: None,
            priority: self.priority.unwrap_or_default(),
            due_at: self.due_at,
            all_day: self.all_day.unwrap_or(false),
            remind_at: self.remind_at,
            recurrence: self.recurrence.as_deref().map(Into::into),
            position: position::at_end(act.new_id()).into(),
            tags: self
                .tags
                .iter()
                .flatten()
                .map(|tag| tag.as_str().into())
                .collect(),
            assignee_ids: rules::once(people),
            comment_count: 0,
            attachment_count: 0,
            is_deleted: false,
            deleted_at: None,
            version: 1,
            created_by: act.caller.user.id,
            created_at: act.now,
            updated_at: act.now,
        };
        write::<events::TaskCreated>(act, world, None, task, Some(NotificationType::TaskCreated))
    }
}

impl Mutation for ReplaceTask {
    fn check(self) -> Result<Self> {
        rules::check_replace(self)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        let task = rules::replaced(&before, self, act.now);
        updated(act, world, before, task)
    }
}

impl Mutation for UpdateTask {
    fn check(self) -> Result<Self> {
        rules::check_update(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_parent(self.id, &self.parent_id, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        if self.if_version.is_some_and(|version| version != before.version) {
            let message = format!("the task has version {} now", before.version);
            let context = json!({ "current": before });
            return Err(Failure::new(ErrorCode::VersionConflict, message)
                .at("if_version")
                .with(context));
        }
        known_place(world, &before, &self.project_id, &self.parent_id)?;
        if let Patch::Set(people) = &self.assignee_ids {
            let (workspace, assigned) = (before.workspace_id, &before.assignee_ids);
            known_people(world, workspace, people, assigned, "assignee_ids")?;
        }
        let task = rules::updated(&before, self, act.now);
        updated(act, world, before, task)
    }
}

impl Mutation for CompleteTask {
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        let completed = self.completed.unwrap_or(!before.completed);
        let mut task = before.clone();
        rules::complete(&mut task, completed, act.now);
        if completed {
            change::<events::TaskCompleted>(act, world, before, task, Some(NotificationType::TaskCompleted))
        } else {
            change::<events::TaskReopened>(act, world, before, task, Some(NotificationType::TaskPending))
        }
    }
}

impl Mutation for AssignTask {
    fn check(self) -> Result<Self> {
        let add = self.add.as_deref().unwrap_or_default();
        rules::assignees(add).map_err(|failure| failure.at("add"))?;
        Ok(self)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        let (add, remove) = (
            self.add.as_deref().unwrap_or_default(),
            self.remove.as_deref().unwrap_or_default(),
        );
        known_people(world, before.workspace_id, add, &before.assignee_ids, "add")?;
        let mut people = before.assignee_ids.clone();
        people.extend(add);
        people.retain(|user| !remove.contains(user));
        let mut task = before.clone();
        task.assignee_ids = rules::assignees(&people).map_err(|failure| failure.at("add"))?;
        updated(act, world, before, task)
    }
}

impl Mutation for MoveTask {
    fn check(self) -> Result<Self> {
        if self.before.is_some() && self.after.is_some() {
            return Err(Failure::invalid("before", "give before or after, not both"));
        }
        if self.before.or(self.after) == Some(self.id) {
            let field = if self.before.is_some() { "before" } else { "after" };
            return Err(Failure::invalid(field, "a task cannot stand beside itself"));
        }
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_parent(self.id, &self.parent_id, needs);
        if let Some(beside) = self.before.or(self.after) {
            needs.tasks.insert(beside);
            needs.neighbours.insert((beside, self.before.is_some()));
            needs.leaving.insert(self.id);
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        known_place(world, &before, &self.project_id, &self.parent_id)?;
        let mut task = before.clone();
        task.project_id = self.project_id.clone().change().unwrap_or(task.project_id);
        task.parent_id = self.parent_id.clone().change().unwrap_or(task.parent_id);
        if let Some(beside) = self.before.or(self.after) {
            let field = if self.before.is_some() { "before" } else { "after" };
            task.position = place_beside(act, world, &before, beside, field)?.into();
        }
        change::<events::TaskMoved>(act, world, before, task, None)
    }
}

impl Mutation for DeleteTask {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        if self.permanent == Some(true) {
            needs.children.insert(self.id);
            needs.notified.insert(self.id);
            needs.leaving.insert(self.id);
            needs.alone = true;
            needs.frees = true;
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Deleted>> {
        let before = there(world, self.id)?;
        if self.permanent == Some(true) {
            return purge(act, world, &before);
        }
        if before.is_deleted {
            return Ok(Change::nothing(Deleted::Task(Box::new(before))));
        }
        let task = Task {
            is_deleted: true,
            deleted_at: Some(act.now),
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
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = there(world, self.id)?;
        if !before.is_deleted {
            return Err(Failure::new(ErrorCode::NotDeleted, "the task is not deleted"));
        }
        let task = Task {
            is_deleted: false,
            deleted_at: None,
            ..before.clone()
        };
        change::<events::TaskRestored>(act, world, before, task, Some(NotificationType::TaskRestored))
    }
}

/// Removes a task for good: its row, its content in the log, the notifications that name it. Its subtasks stay, without
/// a parent.
fn purge(act: &Act<'_>, world: &mut World, task: &Task) -> Result<Change<Deleted>> {
    let parts: Vec<Task> = world
        .tasks
        .iter()
        .map(|(_, part)| part)
        .filter(|part| part.parent_id == Some(task.id))
        .cloned()
        .collect();
    super::cascade::each(act, world, task.workspace_id, parts, |part| part.parent_id = None)?;
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
    let logged = world.emit::<events::TaskPurged>(act, task.workspace_id, &purged)?;
    Ok(Change::logged(logged, Deleted::Purged(purged)))
}

/// The task. The engine has loaded it, because it is the target.
fn there(world: &World, id: TaskId) -> Result<Task> {
    world.tasks.get(id).cloned().ok_or_else(|| not_found("task"))
}

/// The task, if it may be changed.
fn living(world: &World, id: TaskId) -> Result<Task> {
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

/// An event that shows a task.
trait TaskEvent: PlainEvent<Stream = WorkspaceId, Payload = Task> {}

impl<E: PlainEvent<Stream = WorkspaceId, Payload = Task>> TaskEvent for E {}

/// Writes an edited task, unless it is what it was.
fn updated(act: &Act<'_>, world: &mut World, before: Task, task: Task) -> Result<Change<Task>> {
    change::<events::TaskUpdated>(act, world, before, task, Some(NotificationType::TaskUpdated))
}

/// Writes a changed task, unless it is what it was.
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
    write::<E>(act, world, Some(&before), task, notice)
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
    world.put_task(task);
    Ok(Change::as_logged(logged))
}

impl Query for GetTask {
    async fn answer(self, ask: Ask) -> Result<Task> {
        let found = tasks::find(&mut ask.read().await?, self.id).await?;
        found.ok_or_else(|| not_found("task"))
    }
}

impl Query for ListTasks {
    fn searches(&self) -> bool {
        self.q.is_some()
    }

    async fn answer(self, ask: Ask) -> Result<Page<Task>> {
        let limit = cursor::limit(self.limit)?;
        if let Some(q) = &self.q {
            crate::domain::text::checked("q", q, 0, limits::SEARCH)?;
        }
        let after: Option<task_list::Position> = cursor::read(self.cursor.as_deref())?;
        if after
            .as_ref()
            .is_some_and(|position| !task_list::fits(&self, position))
        {
            return Err(cursor::refused());
        }
        let place = match ask.place {
            Some((workspace, _)) => Place::Workspace(workspace),
            None => Place::OfUser(ask.caller.user.id),
        };
        let mut reader = ask.read().await?;
        let listed = task_list::list(&mut reader, place, &self, after.as_ref(), limit + 1).await;
        let mut items = listed?;
        let before = match after {
            Some(task_list::Position::Offset(offset)) => offset,
            _ => 0,
        };
        let seen = limit.saturating_add(before);
        let next_cursor = cursor::cut(&mut items, limit, |task| {
            cursor::write(&task_list::position_of(&self, task, seen))
        });
        let total = match after {
            Some(_) => None,
            None => Some(task_list::count(&mut reader, place, &self).await?),
        };
        Ok(Page {
            items,
            next_cursor,
            total,
        })
    }
}
