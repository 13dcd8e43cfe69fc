//! Editing a task: replace, update, complete, assign.

use super::blockers::{in_no_circle, known_blockers, narrow_blockers, needs_blockers};
use super::places::{known_people, known_place, narrow_new_place, narrow_place, needs_parent, needs_project};
use super::{below, living, repeat, updated};
use crate::domain::{stage, task as rules};
use crate::ops::tags::{carried, needs_tags};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Change, Mutation, Needs, Place, Result, Target};
use serde_json::json;
use std::collections::BTreeSet;
use taskwire_protocol::task::{AssignTask, CompleteTask, ReplaceTask, Task, UpdateTask};
use taskwire_protocol::{ErrorCode, Failure, Patch, UserId};

impl Mutation for ReplaceTask {
    fn check(self) -> Result<Self> {
        rules::check_replace(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_tags(Target::Task(self.id), &self.tags, needs);
        repeat::needs(self.id, false, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        let stages = world.stages(before.workspace_id);
        let mut task = rules::replaced(&before, self, &stages, act.now);
        task.tags = carried(act, world, task.workspace_id, self.tags.iter())?;
        updated(act, world, before, task)
    }
}

impl Mutation for UpdateTask {
    fn check(self) -> Result<Self> {
        rules::check_update(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs_parent(self.id, &self.parent_id, needs);
        needs_project(self.id, &self.project_id, needs);
        let repeats_now = matches!(self.recurrence, Patch::Set(_));
        repeat::needs(self.id, repeats_now, needs);
        if repeats_now {
            needs.zones.insert(caller.user.id); // another mutation of the group may make the task
        }
        if let Patch::Set(tags) = &self.tags {
            needs_tags(Target::Task(self.id), tags, needs);
        }
        if let Patch::Set(blockers) = &self.blocked_by {
            needs_blockers(true, blockers, needs);
        }
    }

    fn narrow(&self, place: Place, world: &World, needs: &mut Needs) -> Result<()> {
        let Some((workspace, _)) = place else {
            return Ok(());
        };
        let given = (&self.project_id, &self.parent_id);
        let (mut assigned, mut blocked_by) = (Vec::new(), Vec::new());
        if world.tasks.get(self.id).is_some() {
            let before = living(world, self.id)?;
            is_current(self, &before)?;
            narrow_place(world, &before, given, needs)?;
            (assigned, blocked_by) = (before.assignee_ids, before.blocked_by);
        } else {
            narrow_new_place(world, workspace, given)?;
        }
        if let Patch::Set(people) = &self.assignee_ids {
            known_people(world, workspace, people, &assigned, "assignee_ids")?;
        }
        if let Patch::Set(blockers) = &self.blocked_by {
            narrow_blockers(world, (Some(self.id), workspace), blockers, &blocked_by)?;
        }
        if let Some(key) = &self.stage {
            stage::known(&world.stages(workspace), key)?;
        }
        Ok(())
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        is_current(self, &before)?;
        known_place(act, world, &before, &self.project_id, &self.parent_id)?;
        if let Patch::Set(people) = &self.assignee_ids {
            let (workspace, assigned) = (before.workspace_id, &before.assignee_ids);
            known_people(world, workspace, people, assigned, "assignee_ids")?;
        }
        if let Patch::Set(blockers) = &self.blocked_by {
            known_blockers(world, before.workspace_id, blockers, &before.blocked_by)?;
            in_no_circle(world, before.id, blockers)?;
        }
        let stages = world.stages(before.workspace_id);
        let mut task = rules::updated(&before, self, &stages, act.now)?;
        if let Patch::Set(tags) = &self.tags {
            task.tags = carried(act, world, task.workspace_id, tags.iter())?;
        }
        below::move_to_project(act, world, &before, task.project_id)?;
        updated(act, world, before, task)
    }
}

/// Refuses an update of another version of the task.
fn is_current(asked: &UpdateTask, before: &Task) -> Result<()> {
    if asked.if_version.is_none_or(|version| version == before.version) {
        return Ok(());
    }
    let message = format!(
        "if_version is out of date: the task now has version {}",
        before.version
    );
    let context = json!({ "current": before });
    Err(Failure::new(ErrorCode::VersionConflict, message)
        .at("if_version")
        .with(context))
}

impl Mutation for CompleteTask {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        repeat::needs(self.id, false, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        let completed = self.completed.unwrap_or(!before.completed);
        let mut task = before.clone();
        stage::complete(&mut task, completed, &world.stages(before.workspace_id), act.now);
        updated(act, world, before, task)
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
        people.extend(rules::assignees(add)?);
        // a frame may name a thousand who are to go
        let remove: BTreeSet<UserId> = remove.iter().copied().collect();
        people.retain(|user| !remove.contains(user));
        let mut task = before.clone();
        task.assignee_ids = rules::assignees(&people).map_err(|failure| failure.at("add"))?;
        updated(act, world, before, task)
    }
}
