//! In which workspace a task is, remembered so that a job's lane and stream can be told without asking the database. A task
//! never moves to another workspace, but one that was purged may be created anew in another. So what is known is nearly
//! always true, and where it is not, as where nothing is known, that costs a wait or a lock, never the order.

use moka::sync::Cache;
use taskwire_protocol::{TaskId, WorkspaceId};

/// Tasks remembered: about 8 MiB.
const TASKS: u64 = 65_536;

/// Workspaces by task.
pub(super) struct Homes(Option<Cache<TaskId, WorkspaceId>>);

impl Homes {
    /// Remembers when there may be several lanes, or other processes.
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
