//! The steps of the jobs that purge tasks which were deleted long ago, and that forget what was told about a purged task. Does
//! not know who runs them, nor what "long" is.

use super::accounts::{acting_for, on_behalf};
use super::{Chore, Engine, spawned};
use crate::ops::notifications::{ForgetAbout, Forgotten};
use crate::ops::tasks::PurgeOld;
use crate::store::purges::{self, Place};
use crate::store::{StoreError, Transaction, log, streams, tasks, users};
use std::sync::Arc;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, SessionId, TaskId, Timestamp, UserId};
use uuid::Uuid;

/// The entries that one step rewrites.
const ENTRIES: i64 = 500;
/// The deleted tasks that one step looks for.
const TASKS: i64 = 100;

impl Engine {
    /// Purges up to 100 tasks that were deleted before a moment, one after the other, so that others have a turn between
    /// them; begins after the task that a step ended with. Returns the last one, if there may be more.
    pub async fn purge_deleted(
        &self,
        before: Timestamp,
        after: Option<(i64, Uuid)>,
    ) -> Result<Option<(i64, Uuid)>, Failure> {
        let store = self.0.store.clone();
        let after = after.unwrap_or((before.0, Uuid::nil()));
        let read = async move { tasks::deleted_before(&mut store.read().await?, after, TASKS).await };
        let page = spawned(read).await?;
        let last = page.last().map(|(at, task, _)| (*at, task.0));
        let is_last = (page.len() as i64) < TASKS;
        for (_, task, workspace) in page {
            let caller = acting_for(UserId(Uuid::nil()), SessionId(self.0.ids.next()), Actor::Server);
            let purge = PurgeOld {
                task,
                workspace,
                before,
            };
            match self.act::<Nothing>(caller, purge).await {
                // it stays, for example because so many tasks are below it; the older ones must not wait for it
                Err(failure) if !matches!(failure.code, ErrorCode::Unavailable | ErrorCode::Timeout) => {
                    tracing::warn!(task.id = %task, error.message = %failure, "an old deleted task was not purged");
                }
                purged => drop(purged?),
            }
        }
        Ok(last.filter(|_| !is_last))
    }

    /// The next stream in which a purged task is still to be forgotten.
    pub async fn next_to_forget(&self, task: TaskId) -> Result<Option<Place>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { purges::next(&mut store.read().await?, task).await }).await
    }

    /// Deletes some of a user's notifications about a task, each with an event. Returns whether there may be more.
    pub async fn forget_notifications_about(&self, task: TaskId, user: UserId) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        let read = async move { users::find(&mut store.read().await?, user).await };
        // a job erases what is left of a deleted account
        let Some(account) = spawned(read).await? else {
            return Ok(false);
        };
        let caller = on_behalf(&account, SessionId(self.0.ids.next()), Actor::Server);
        let Forgotten { more } = self.act(caller, ForgetAbout { task }).await?;
        Ok(more)
    }

    /// The first step of forgetting a task in a stream's log.
    pub fn rewrite_task(&self, task: TaskId, place: Place) -> RewriteTask {
        RewriteTask {
            task,
            place,
            after: 0,
        }
    }
}

/// A step that takes the content out of some entries of a stream's log that show a task. The last one also notes that this
/// stream is done.
pub struct RewriteTask {
    task: TaskId,
    place: Place,
    /// The last entry that was rewritten.
    after: i64,
}

/// What [`RewriteTask`] did.
pub struct TaskRewritten {
    /// The next step, if there may be more entries.
    pub next: Option<RewriteTask>,
    /// The last entry that was rewritten.
    pub last: Option<u64>,
}

impl Chore for RewriteTask {
    type Output = TaskRewritten;
    const FREES: bool = true;

    async fn run(self, tx: &mut Transaction) -> Result<TaskRewritten, StoreError> {
        let Place { stream, seq } = self.place;
        // others rewrite entries too, under the same lock
        streams::lock(tx, [stream]).await?;
        let page = log::load_of_task(tx, self.task, stream, (self.after, seq), ENTRIES).await?;
        let last = page.last().map(|(seq, _)| *seq);
        let is_last = (page.len() as i64) < ENTRIES;
        let mut rewritten = Vec::with_capacity(page.len());
        for (seq, text) in page {
            rewritten.push((stream, seq, Arc::from(log::forgotten(&text)?)));
        }
        log::rewrite(tx, self.task, &rewritten).await?;
        if is_last {
            purges::done(tx, self.task, stream).await?;
        }
        let next = last
            .filter(|_| !is_last)
            .map(|after| RewriteTask { after, ..self });
        Ok(TaskRewritten {
            next,
            last: last.map(i64::unsigned_abs),
        })
    }
}
