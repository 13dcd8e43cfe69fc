//! Retention: deletes old entries of logs, old notifications, old op_ids, sessions and API tokens that ended long ago, sealed
//! refresh tokens that are no longer given out, codes of mails, invitations that expired, mails that could not be sent, and
//! deleted tasks. Each step is one transaction, which changes at most 500 rows; notifications, invitations and tasks go
//! through the writers' groups, each with an event.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::config::Settings;
use crate::engine::Chore;
use crate::ops::letters::Letter;
use crate::store::jobs::Payload;
use crate::store::{StoreError, Transaction, api_tokens, codes, device_approvals, jobs, log, ops, sessions};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use taskwire_protocol::{Failure, Timestamp};
use uuid::Uuid;

/// The most rows that one step changes.
const STEP: i64 = 500;
/// How long an ended session or API token stays stored, so that a client with it learns why it is invalid.
const SESSION_GRACE_MS: i64 = 30 * 86_400_000;
/// How long a sealed refresh token stays stored: somewhat longer than it is given out (30 s), because clocks differ.
const SUCCESSOR_MS: i64 = 60_000;

/// How long a code stays stored after its end, so that a late user learns that it has expired.
const CODE_GRACE_MS: i64 = 7 * 86_400_000;
/// How long an operator may retry a mail that could not be sent. It has somebody's address, so it does not stay.
const DEAD_MAIL: Duration = Duration::from_hours(30 * 24);

/// The job. It has no parameters.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Retention;

impl Payload for Retention {
    const KIND: &'static str = "retention";
}

impl Job for Retention {
    const SCHEDULE: Schedule = Schedule::Every {
        // soon after the start, but without slowing it down
        first: Duration::from_secs(30),
        interval: Duration::from_mins(10),
    };
    /// A first round over large logs takes long. The next run continues where this one ended.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        round(&run, run.settings()).await?;
        run.end().await
    }
}

/// One round over everything.
pub async fn round(steps: &impl Steps, settings: &Settings) -> Result<(), Failure> {
    let now = steps.engine().clock().now_ms();
    let before = |kept: Duration| now.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
    // an error in one of them does not stop the others
    let ops = all(steps, || ForgetOps(before(settings.op_retention))).await;
    let sessions = all(steps, || ForgetSessions(now - SESSION_GRACE_MS)).await;
    let successors = all(steps, || ClearSuccessors(now - SUCCESSOR_MS)).await;
    let tokens = all(steps, || ForgetApiTokens(now - SESSION_GRACE_MS)).await;
    let codes = all(steps, || ForgetCodes(now - CODE_GRACE_MS)).await;
    let approvals = all(steps, || ForgetApprovals(now)).await;
    let mails = all(steps, || ForgetMails).await;
    let notifications = match settings.notification_retention {
        Some(kept) => notifications(steps, before(kept)).await,
        None => Ok(()),
    };
    let invites = expired_invites(steps).await;
    let tasks = match settings.deleted_task_retention {
        Some(kept) => deleted_tasks(steps, before(kept)).await,
        None => Ok(()),
    };
    let logs = match settings.log_retention {
        Some(kept) => {
            let events = i64::try_from(settings.log_retention_events).unwrap_or(i64::MAX);
            logs(steps, before(kept), events).await
        }
        None => Ok(()),
    };
    ops.and(sessions)
        .and(successors)
        .and(tokens)
        .and(codes)
        .and(approvals)
        .and(mails)
        .and(notifications)
        .and(invites)
        .and(tasks)
        .and(logs)
}

/// Repeats a step until it changes fewer rows than it may.
async fn all<C: Chore<Output = u64>>(steps: &impl Steps, step: impl Fn() -> C) -> Result<(), Failure> {
    while steps.step(step()).await? >= STEP as u64 {}
    Ok(())
}

/// Deletes notifications older than `before`, of one user after the other.
async fn notifications(steps: &impl Steps, before: i64) -> Result<(), Failure> {
    let mut after = Some(Uuid::nil());
    while let Some(user) = after {
        after = steps.engine().forget_notifications(before, user).await?;
    }
    Ok(())
}

/// Ends the invitations that nobody accepted in time. The people that they name are told.
async fn expired_invites(steps: &impl Steps) -> Result<(), Failure> {
    while steps.engine().end_expired_invites().await? {}
    Ok(())
}

/// Purges tasks that were deleted before `before`.
async fn deleted_tasks(steps: &impl Steps, before: i64) -> Result<(), Failure> {
    let mut after = None;
    loop {
        after = steps.engine().purge_deleted(Timestamp(before), after).await?;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Deletes entries older than `before`, except the newest `events` of each log.
async fn logs(steps: &impl Steps, before: i64, events: i64) -> Result<(), Failure> {
    let mut after = Uuid::nil();
    loop {
        let page = steps.engine().longer_streams(events, after, STEP).await?;
        let Some((last, _)) = page.last() else {
            return Ok(());
        };
        after = *last;
        for (stream, head) in page {
            let cut = || CutLog {
                stream,
                seq: head - events,
                before,
            };
            all(steps, cut).await?;
        }
    }
}

struct ForgetOps(i64);

impl Chore for ForgetOps {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        ops::forget(tx, self.0, STEP).await
    }
}

struct ForgetSessions(i64);

impl Chore for ForgetSessions {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        sessions::forget(tx, self.0, STEP).await
    }
}

struct ClearSuccessors(i64);

impl Chore for ClearSuccessors {
    type Output = u64;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        sessions::clear_successors(tx, self.0, STEP).await
    }
}

struct ForgetApiTokens(i64);

impl Chore for ForgetApiTokens {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        api_tokens::forget(tx, self.0, STEP).await
    }
}

struct ForgetApprovals(i64);

impl Chore for ForgetApprovals {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        device_approvals::forget(tx, self.0, STEP).await
    }
}

struct ForgetCodes(i64);

impl Chore for ForgetCodes {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        codes::forget(tx, self.0, STEP).await
    }
}

struct ForgetMails;

impl Chore for ForgetMails {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        jobs::forget_dead(tx, Letter::KIND, DEAD_MAIL, STEP).await
    }
}

struct CutLog {
    stream: Uuid,
    seq: i64,
    before: i64,
}

impl Chore for CutLog {
    type Output = u64;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<u64, StoreError> {
        log::cut(tx, self.stream, self.seq, self.before, STEP).await
    }
}
