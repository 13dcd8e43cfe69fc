//! Removes the files of attachments that no task has any more. Whatever takes an attachment from its task enqueues
//! [`RemoveFiles`] in the same transaction; the recurring [`ClearAttachments`] finds what an interruption left, and what
//! the store of files refused to remove for days.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps as _};
use crate::store::jobs::{Payload, RemoveFiles};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use taskwire_protocol::{Failure, WorkspaceId};
use uuid::Uuid;

impl Job for RemoveFiles {
    /// For about three days: the store of files may be away for long.
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        remove(&run, self.workspace).await?;
        run.end().await
    }
}

/// First the files, then the rows that tell of them: a run that stops in between is repeated.
pub(super) async fn remove(run: &Run, workspace: WorkspaceId) -> Result<(), Failure> {
    loop {
        let removed = run.engine().remove_files(workspace).await?;
        if removed.0.is_empty() {
            return Ok(());
        }
        run.step(removed).await?;
    }
}

/// The recurring job. It has no parameters.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClearAttachments;

impl Payload for ClearAttachments {
    const KIND: &'static str = "attachments";
}

impl Job for ClearAttachments {
    const SCHEDULE: Schedule = Schedule::Every {
        first: Duration::from_mins(6),
        interval: Duration::from_hours(6),
    };
    /// The next run begins from the start, and finds less to remove.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let mut after = WorkspaceId(Uuid::nil());
        while let Some(workspace) = run.engine().next_with_removed_files(after).await? {
            remove(&run, workspace).await?;
            after = workspace;
        }
        let cleared = run.engine().clear_attachments().await?;
        if cleared > 0 {
            tracing::info!(files = cleared, "removed files that no task has");
        }
        run.end().await
    }
}
