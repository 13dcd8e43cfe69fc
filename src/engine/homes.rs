//! Remembers the workspace of each task, so that a submission's lane and stream are known without asking the database.
//! A task never moves to another workspace, but after a purge its id may be used again in another one. An unknown or
//! wrong entry costs a wait or a lock; the order of mutations is kept.

use moka::sync::Cache;
use taskwire_protocol::{TaskId, WorkspaceId};

/// The most tasks that are remembered, in about 8 MiB.
const TASKS: u64 = 65_536;

/// Workspaces by task.
pub(super) struct Homes(Option<Cache<TaskId, WorkspaceId>>);

impl Homes {
    /// `shared`: there may be several lanes or other processes. Otherwise nothing is remembered.
    pub(super) fn new(shared: bool) -> Homes {
        Homes(shared.then(|| Cache::new(TASKS)))
    }

    pub(super) fn get(&self, task: TaskId) -> Option<WorkspaceId> {
        self.0.as_ref()?.get(&task)
    }

    pub(super) fn put(&self, task: TaskId, workspace: WorkspaceId) {
        if let Some(cache) = &self.0 {
            cache.insert(task, workspace);
        }
    }
}
