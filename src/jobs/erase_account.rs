//! Erases what a deleted account has left. The deletion itself is committed under the lock of the user's stream
//! alone; it enqueues this job twice: at once, and some time later for what others may need or write until then
//! (`ops/deletion`). The row of the account stays, without anything of the person, and so does the entry of its log
//! that tells of the deletion.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::engine::Chore;
use crate::ops::letters::Letter;
use crate::store::jobs::{self, EraseAccount, ForgetName, NewJob, Payload as _};
use crate::store::{StoreError, Transaction, alarms, erasure};
use std::collections::BTreeSet;
use std::time::Duration;
use taskwire_protocol::{Failure, UserId, WorkspaceId};
use uuid::Uuid;

/// The most rows that one step changes.
const STEP: i64 = 500;

impl Job for EraseAccount {
    /// For about three days: the store of files may be away for long.
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    /// The next run continues where this one ended.
    const LIMIT: Duration = Duration::from_hours(1);

    /// A repeated run finds less, and changes nothing once everything is erased.
    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let user = self.user;
        let mut left = run.engine().leave_workspaces(&self, None).await?;
        while left.is_some() {
            left = run.engine().leave_workspaces(&self, left).await?;
        }
        while run.engine().end_invites_to(user).await? {}
        forget_name(&run, user).await?;
        for what in [What::Alarms, What::Notifications, What::Devices, What::Proofs] {
            all(&run, user, what).await?;
        }
        op_ids(&run, user).await?;
        if self.last {
            for what in [What::Entries { kept: self.entry }, What::DeadMails] {
                all(&run, user, what).await?;
            }
        }
        run.engine().forget_photos(user).await?;
        run.end().await
    }
}

/// Erases in steps, until a step finds less than it may erase.
async fn all(run: &Run, user: UserId, what: What) -> Result<(), Failure> {
    while run.step(Erase { user, what }).await? >= STEP as u64 {}
    Ok(())
}

/// Has the name forgotten by the log of every workspace that the user has left, now or before.
async fn forget_name(run: &Run, user: UserId) -> Result<(), Failure> {
    // all of it each time: the last run erases these entries, and must not count on an earlier run
    let mut after = Some(0);
    while let Some(from) = after {
        let (left, next) = run.engine().workspaces_left(user, from).await?;
        run.step(Enqueue { user, left }).await?;
        after = next;
    }
    Ok(())
}

async fn op_ids(run: &Run, user: UserId) -> Result<(), Failure> {
    let mut after = Some((Uuid::nil(), Uuid::nil()));
    while let Some(from) = after {
        let page = run.engine().op_ids_of(user, from).await?;
        for op_ids in page.theirs.chunks(STEP as usize) {
            let op_ids = op_ids.to_vec();
            run.step(ForgetOps { user, op_ids }).await?;
        }
        after = page.next;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum What {
    Alarms,
    Notifications,
    Devices,
    Proofs,
    Entries { kept: i64 },
    DeadMails,
}

struct Erase {
    user: UserId,
    what: What,
}

impl Chore for Erase {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        let user = self.user;
        match self.what {
            What::Alarms => alarms::delete_of(tx, user, STEP).await,
            What::Notifications => erasure::notifications(tx, user, STEP).await,
            What::Devices => erasure::devices(tx, user, STEP).await,
            What::Proofs => erasure::proofs(tx, user).await,
            What::Entries { kept } => erasure::entries(tx, user.into(), kept, STEP).await,
            What::DeadMails => erasure::dead_jobs(tx, Letter::KIND, user, STEP).await,
        }
    }
}

struct ForgetOps {
    user: UserId,
    op_ids: Vec<Uuid>,
}

impl Chore for ForgetOps {
    type Output = ();
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        erasure::ops(tx, self.user, self.op_ids).await
    }
}

struct Enqueue {
    user: UserId,
    left: BTreeSet<WorkspaceId>,
}

impl Chore for Enqueue {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        let user = self.user;
        let jobs = self.left.into_iter().map(|workspace| {
            let key = format!("{workspace} {user}");
            NewJob::new(key, &ForgetName { workspace, user }, Duration::ZERO)
        });
        let jobs: Vec<NewJob> = jobs.collect::<Result<_, StoreError>>()?;
        jobs::insert(tx, &jobs).await
    }
}
