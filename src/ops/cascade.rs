//! A change that reaches many tasks: one event each, or a single `stream.reset` when there are too many. Nobody is
//! notified of it.

use super::world::World;
use super::{Act, Result};
use taskwire_protocol::events::{self, PlainEvent};
use taskwire_protocol::stream::StreamReset;
use taskwire_protocol::task::Task;
use taskwire_protocol::{WorkspaceId, limits};

/// An event that shows a task.
pub(super) trait TaskEvent: PlainEvent<Stream = WorkspaceId, Payload = Task> {}

impl<E: PlainEvent<Stream = WorkspaceId, Payload = Task>> TaskEvent for E {}

/// Changes each task, in the order given. A change that completes or reopens a task is logged as that, any other as `E`.
pub(super) fn each<E: TaskEvent>(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    tasks: Vec<Task>,
    change: impl Fn(&mut Task),
) -> Result<()> {
    let too_many = tasks.len() > limits::CASCADE;
    for before in tasks {
        let was_completed = before.completed;
        let mut task = Task {
            version: before.version + 1,
            updated_at: act.now,
            ..before
        };
        change(&mut task);
        if !too_many {
            match (was_completed, task.completed) {
                (false, true) => world.emit::<events::TaskCompleted>(act, workspace, &task)?,
                (true, false) => world.emit::<events::TaskReopened>(act, workspace, &task)?,
                _ => world.emit::<E>(act, workspace, &task)?,
            };
        }
        world.put_task(task);
    }
    if too_many {
        let message = "too many tasks changed at once to send an event for each; sync again".to_owned();
        world.emit::<events::StreamReset>(act, workspace.into(), &StreamReset { message })?;
    }
    Ok(())
}
