//! Retention: what the logs, the op_ids and the ended sessions are kept for no longer. Each step deletes at most 500
//! rows in a transaction of its own.

use crate::config::Settings;
use crate::engine::{Chore, Engine};
use crate::store::{StoreError, Transaction, log, ops, sessions};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::Failure;
use uuid::Uuid;

/// Between two rounds.
const ROUND: Duration = Duration::from_mins(10);
/// The first round comes soon after the start, but not in its way.
const FIRST: Duration = Duration::from_secs(30);
/// Rows of one step.
const STEP: i64 = 500;
/// A session that ended stays this long, so that its tokens are told why they are void.
const SESSION_GRACE_MS: i64 = 30 * 86_400_000;

/// Applies the settings' retention for ever.
pub async fn retention(engine: Engine, settings: Arc<Settings>) {
    let mut wait = FIRST;
    loop {
        tokio::time::sleep(wait).await;
        wait = ROUND;
        if let Err(failure) = round(&engine, &settings).await {
            tracing::warn!(error = %failure, "retention stopped early; the next round goes on");
        }
    }
}

/// One round over everything.
pub async fn round(engine: &Engine, settings: &Settings) -> Result<(), Failure> {
    let now = engine.clock().now_ms();
    let before = |kept: Duration| now.saturating_sub(i64::try_from(kept.as_millis()).unwrap_or(i64::MAX));
    // what one of them cannot delete keeps none of the others
    let ops = all(engine, || ForgetOps(before(settings.op_retention))).await;
    let sessions = all(engine, || ForgetSessions(now - SESSION_GRACE_MS)).await;
    let logs = match settings.log_retention {
        Some(kept) => {
            let events = i64::try_from(settings.log_retention_events).unwrap_or(i64::MAX);
            logs(engine, before(kept), events).await
        }
        None => Ok(()),
    };
    ops.and(sessions).and(logs)
}

/// Takes a step again and again, until it finds less than it may delete.
async fn all<C: Chore<Output = u64>>(engine: &Engine, step: impl Fn() -> C) -> Result<(), Failure> {
    while engine.chore(step()).await? >= STEP as u64 {}
    Ok(())
}

/// Cuts every log that is longer than `events`.
async fn logs(engine: &Engine, before: i64, events: i64) -> Result<(), Failure> {
    let mut after = Uuid::nil();
    loop {
        let page = engine.longer_streams(events, after, STEP).await?;
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
            all(engine, cut).await?;
        }
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<u64, StoreError>> + Send + 'a>>;

struct ForgetOps(i64);

impl Chore for ForgetOps {
    type Output = u64;
    const FREES: bool = true;
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move { ops::forget(tx, self.0, STEP).await })
    }
}

struct ForgetSessions(i64);

impl Chore for ForgetSessions {
    type Output = u64;
    const FREES: bool = true;
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move { sessions::forget(tx, self.0, STEP).await })
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
    fn run(self, tx: &mut Transaction) -> Running<'_> {
        Box::pin(async move { log::cut(tx, self.stream, self.seq, self.before, STEP).await })
    }
}
