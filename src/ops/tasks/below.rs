//! The subtasks that go along with a task, and theirs: what is deleted, restored or moved to another project with it.
//! Completing a task leaves them as they are.

use super::places::{above, levels};
use crate::ops::world::World;
use crate::ops::{Act, Result, cascade};
use std::collections::BTreeSet;
use taskwire_protocol::task::Task;
use taskwire_protocol::{ProjectId, TaskId, Timestamp, events};

/// All that is below a task, by id.
fn below(world: &World, id: TaskId) -> Vec<Task> {
    let mut tasks: Vec<Task> = levels(world, id).flatten().cloned().collect();
    tasks.sort_unstable_by_key(|task| task.id);
    tasks
}

/// The time of a deletion. All that is deleted with a task has the task's time, and nothing else above or below the task
/// has it, as far as the group knows them (`DeleteTask` loads what is below, and above only what others need): so the time
/// tells later what was deleted together. A group has one time for all its mutations.
fn time_of_deletion(act: &Act<'_>, world: &World, task: &Task, below: &[Task]) -> Timestamp {
    let above = above(world, task.parent_id).filter_map(|id| world.tasks.get(id)?.deleted_at);
    let others = below.iter().filter_map(|task| task.deleted_at);
    let taken: BTreeSet<Timestamp> = above.chain(others).collect();
    let mut time = act.now;
    while taken.contains(&time) {
        time.0 += 1;
    }
    time
}

/// Deletes what is below a task, so that it can be restored. Returns the time at which to delete the task itself. `change`
/// says what else changes.
pub(super) fn delete(
    act: &Act<'_>,
    world: &mut World,
    task: &Task,
    change: impl Fn(&mut Task),
) -> Result<Timestamp> {
    let below = below(world, task.id);
    let time = time_of_deletion(act, world, task, &below);
    let living = below.into_iter().filter(|task| !task.is_deleted).collect();
    cascade::each::<events::TaskDeleted>(act, world, task.workspace_id, living, |task| {
        task.is_deleted = true;
        task.deleted_at = Some(time);
        change(task);
    })?;
    Ok(time)
}

/// Restores what was deleted with a task.
pub(super) fn restore(act: &Act<'_>, world: &mut World, before: &Task) -> Result<()> {
    let mut tasks = below(world, before.id);
    tasks.retain(|task| task.is_deleted && task.deleted_at == before.deleted_at);
    cascade::each::<events::TaskRestored>(act, world, before.workspace_id, tasks, |task| {
        task.is_deleted = false;
        task.deleted_at = None;
    })
}

/// Moves what is below a task to the task's new project, as far as it is in the project where the task was.
pub(super) fn move_to_project(
    act: &Act<'_>,
    world: &mut World,
    before: &Task,
    project: Option<ProjectId>,
) -> Result<()> {
    if before.project_id == project {
        return Ok(());
    }
    let mut tasks = below(world, before.id);
    tasks.retain(|task| task.project_id == before.project_id);
    cascade::each::<events::TaskMoved>(act, world, before.workspace_id, tasks, |task| {
        task.project_id = project;
    })
}
