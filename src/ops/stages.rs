//! A workspace gets other stages: its tasks move, or are completed or reopened.

use super::world::{Crowd, World};
use super::{Act, Result, cascade, too_many};
use crate::domain::stage::{changes, enter, successor};
use taskwire_protocol::stage::{Stage, Stages};
use taskwire_protocol::task::Task;
use taskwire_protocol::{WorkspaceId, events, limits};

/// The tasks whose stage goes away, or completes or reopens them. The world has them all.
pub(super) fn concerned(
    world: &World,
    workspace: WorkspaceId,
    (before, now): (&Stages, &Stages),
) -> Result<Vec<Task>> {
    if !world.has_all(Crowd::InStages) {
        let message = format!(
            "more than {} tasks are in stages that go away, or that complete or reopen them; change fewer stages at once",
            limits::RESTAGED
        );
        return Err(too_many(&message, limits::RESTAGED).at("stages"));
    }
    let changing: Vec<&Stage> = before.iter().filter(|stage| changes(stage, now)).collect();
    let is_concerned =
        |task: &&Task| task.workspace_id == workspace && changing.iter().any(|stage| stage.key == task.stage);
    let tasks = world.tasks.iter().map(|(_, task)| task);
    let mut tasks: Vec<Task> = tasks.filter(is_concerned).cloned().collect();
    tasks.sort_unstable_by_key(|task| task.id);
    Ok(tasks)
}

/// Gives the workspace the new stages, and moves the tasks concerned.
pub(super) fn replace(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    (before, now): (&Stages, &Stages),
    tasks: Vec<Task>,
) -> Result<()> {
    world.put_stages(workspace, now.clone());
    cascade::each::<events::TaskUpdated>(act, world, workspace, tasks, |task| {
        let stage = before.find(&task.stage).and_then(|stage| successor(stage, now));
        if let Some(stage) = stage {
            enter(task, stage, act.now);
        }
    })
}
