//! Erases a workspace whose last member is gone: its invitations, its tasks with their files, its log, and itself.
//! Whatever takes the last member out
//! of it enqueues this job in the same transaction. First it tells the members of a workspace that was deleted.

use super::attachments;
use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::engine::Chore;
use crate::store::jobs::EraseWorkspace;
use crate::store::{StoreError, Transaction, erasure};
use std::time::Duration;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{Failure, WorkspaceId};

/// The most tasks or entries that one step deletes.
const STEP: i64 = 500;

impl Job for EraseWorkspace {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    /// The next run continues where this one ended.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let workspace = self.workspace;
        if !run.engine().is_abandoned(workspace).await? {
            return run.end().await;
        }
        if let Some(by) = &self.actor {
            while run.engine().tell_of_deletion(workspace, by).await? {}
        }
        let by = self.actor.unwrap_or(Actor::Server);
        while run.engine().end_invites_of(workspace, &by).await? {}
        while run.step(EraseTasks(workspace)).await? >= STEP as u64 {}
        attachments::remove(&run, workspace).await?;
        // the index of texts, where it is not part of a task's row
        let mut next = run.engine().words_left_behind().await?;
        while let Some(step) = next {
            next = run.step(step).await?;
        }
        while run.step(EraseEntries(workspace)).await? >= STEP as u64 {}
        let ((), ended) = run.step_or_end(EraseIt(workspace), |()| true).await?;
        match ended {
            Some(ended) => Ok(ended),
            None => run.end().await,
        }
    }
}

struct EraseTasks(WorkspaceId);

impl Chore for EraseTasks {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        erasure::tasks(tx, self.0, STEP).await
    }
}

struct EraseEntries(WorkspaceId);

impl Chore for EraseEntries {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        // no entry has the position 0
        erasure::entries(tx, self.0.into(), 0, STEP).await
    }
}

struct EraseIt(WorkspaceId);

impl Chore for EraseIt {
    type Output = ();
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        erasure::workspace(tx, self.0).await
    }
}
