//! Moving a task: to another project, parent or stage, or to another position in the manual order.

use super::places::{
    known_place, narrow_anchor, narrow_new_place, narrow_place, needs_parent, needs_project, place_beside,
};
use super::{below, change, living, repeat};
use crate::domain::stage;
use crate::ops::world::World;
use crate::ops::{Act, Caller, Change, Mutation, Needs, Place, Result, cascade};
use foldhash::HashMap;
use std::sync::Arc;
use taskwire_protocol::events;
use taskwire_protocol::task::{MoveTask, Task};
use taskwire_protocol::{Failure, TaskId, WorkspaceId};

impl Mutation for MoveTask {
    fn check(self) -> Result<Self> {
        if self.before.is_some() && self.after.is_some() {
            return Err(Failure::invalid("before", "give before or after, not both"));
        }
        if self.before.or(self.after) == Some(self.id) {
            return Err(Failure::invalid(
                side(&self),
                "a task cannot be moved before or after itself",
            ));
        }
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs_parent(self.id, &self.parent_id, needs);
        if self.stage.is_some() {
            repeat::needs(self.id, false, needs);
        }
        needs_project(self.id, &self.project_id, needs);
        if let Some(beside) = self.before.or(self.after) {
            needs.tasks.insert(beside);
            needs.neighbours.insert(beside);
            needs.leaving.insert(self.id);
        }
    }

    fn narrow(&self, place: Place, world: &World, needs: &mut Needs) -> Result<()> {
        let Some((workspace, _)) = place else {
            return Ok(());
        };
        let given = (&self.project_id, &self.parent_id);
        if world.tasks.get(self.id).is_some() {
            narrow_place(world, &living(world, self.id)?, given, needs)?;
        } else {
            narrow_new_place(world, workspace, given)?;
        }
        if let Some(key) = &self.stage {
            stage::known(&world.stages(workspace), key)?;
        }
        let beside = self.before.or(self.after);
        beside.map_or(Ok(()), |beside| {
            narrow_anchor(world, workspace, beside, side(self))
        })
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Task>> {
        let before = living(world, self.id)?;
        known_place(act, world, &before, &self.project_id, &self.parent_id)?;
        let mut task = before.clone();
        task.project_id = self.project_id.clone().change().unwrap_or(task.project_id);
        task.parent_id = self.parent_id.clone().change().unwrap_or(task.parent_id);
        if let Some(key) = &self.stage {
            let stages = world.stages(task.workspace_id);
            stage::enter(&mut task, stage::known(&stages, key)?, act.now);
        }
        if let Some(beside) = self.before.or(self.after) {
            let placed = place_beside(act, world, &before, beside, side(self))?;
            task.position = placed.position;
            make_room(act, world, task.workspace_id, placed.others)?;
        }
        below::move_to_project(act, world, &before, task.project_id)?;
        change::<events::TaskMoved>(act, world, before, task, None)
    }
}

fn side(asked: &MoveTask) -> &'static str {
    if asked.before.is_some() { "before" } else { "after" }
}

/// Gives tasks around a moved one new places.
fn make_room(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    places: Vec<(TaskId, Arc<str>)>,
) -> Result<()> {
    let tasks = places.iter().filter_map(|(id, _)| world.tasks.get(*id).cloned());
    let tasks: Vec<Task> = tasks.collect();
    let places: HashMap<TaskId, Arc<str>> = places.into_iter().collect();
    cascade::each::<events::TaskUpdated>(act, world, workspace, tasks, |task| {
        if let Some(place) = places.get(&task.id) {
            task.position = place.clone();
        }
    })
}
