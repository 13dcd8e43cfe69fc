//! What happens to a job after a run: it is complete, it runs again after a pause, or it is dead.

use super::kind::Kind;
use crate::engine::{Chore, Engine};
use crate::store::jobs::{self, Claim, Next};
use crate::store::{StoreError, Transaction};
use std::time::Duration;
use taskwire_protocol::Failure;

/// The pause before the second attempt. Each further pause is twice as long.
const BACKOFF: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_hours(1);
/// Bytes of an error that are stored for operators.
const ERROR: usize = 1000;

/// How a run ended.
pub(super) enum Outcome {
    /// The job is complete.
    Ended,
    /// The run failed, for this reason.
    Failed(String),
    /// The run lost its claim. Another run may have the job by now.
    Lost,
    /// The node stopped the run because it is stopping itself.
    Stopped,
}

impl Outcome {
    /// The name in metrics.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Outcome::Ended => "ended",
            Outcome::Failed(_) => "failed",
            Outcome::Lost => "lost",
            Outcome::Stopped => "stopped",
        }
    }
}

/// Writes the outcome into the table.
pub(super) async fn record(engine: &Engine, kind: &Kind, claim: &Claim, attempt: u32, outcome: Outcome) {
    match outcome {
        Outcome::Ended => {}
        Outcome::Lost => {
            tracing::warn!(
                "a run lost its claim on a job: another run has the job, or an operator dropped it"
            );
        }
        Outcome::Stopped => {
            if !matches!(give_back(engine, claim).await, Ok(true)) {
                tracing::warn!("a job was not released; it runs again when its claim expires");
            }
        }
        Outcome::Failed(error) => fail(engine, kind, claim, attempt, error).await,
    }
}

async fn fail(engine: &Engine, kind: &Kind, claim: &Claim, attempt: u32, mut error: String) {
    error.truncate(error.floor_char_boundary(ERROR));
    let next = after(kind, attempt, rand::random_range(0.5..1.0));
    match next {
        Next::After(pause) => {
            let retry_ms = pause.as_millis() as u64;
            tracing::warn!(error.message = error, retry_ms, "a job failed and will run again");
        }
        Next::Dead => tracing::error!(
            error.message = error,
            "a job failed for the last time and is dead; `taskwire admin jobs` lists it"
        ),
    }
    let claim = claim.clone();
    match engine.chore(Fail { claim, error, next }).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!(
            "a failed run lost its claim on a job: another run has the job, or an operator dropped it"
        ),
        Err(_) => {
            tracing::warn!("the failure of a job was not recorded; it runs again when its claim expires");
        }
    }
}

/// What follows a failed attempt. `jitter` shortens the pause, so that jobs that failed together do not run again
/// together.
fn after(kind: &Kind, attempt: u32, jitter: f64) -> Next {
    if kind.schedule.is_over(attempt) {
        return Next::Dead;
    }
    let longest = kind.schedule.interval().unwrap_or(LONGEST).min(LONGEST);
    let doubled = BACKOFF.saturating_mul(1 << (attempt.max(1) - 1).min(16));
    Next::After(doubled.min(longest).mul_f64(jitter))
}

async fn give_back(engine: &Engine, claim: &Claim) -> Result<bool, Failure> {
    engine.chore(GiveBack(claim.clone())).await
}

struct Fail {
    claim: Claim,
    error: String,
    next: Next,
}

impl Chore for Fail {
    type Output = bool;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        jobs::fail(tx, &self.claim, &self.error, self.next).await
    }
}

struct GiveBack(Claim);

impl Chore for GiveBack {
    type Output = bool;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        jobs::give_back(tx, &self.0).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::KINDS;
    use super::*;

    fn kind(recurs: bool) -> &'static Kind {
        let found = KINDS
            .iter()
            .find(|kind| kind.schedule.interval().is_some() == recurs);
        found.expect("a kind of either schedule")
    }

    fn pause(kind: &Kind, attempt: u32) -> Option<Duration> {
        match after(kind, attempt, 1.0) {
            Next::After(pause) => Some(pause),
            Next::Dead => None,
        }
    }

    #[test]
    fn pauses_double_until_the_job_is_dead() {
        let kind = kind(false);
        assert_eq!(pause(kind, 1), Some(BACKOFF));
        assert_eq!(pause(kind, 3), Some(BACKOFF * 4));
        assert!(kind.schedule.is_over(4), "the fourth attempt is the last");
        assert_eq!(pause(kind, 4), None);
    }

    #[test]
    fn a_recurring_job_is_never_dead_and_pauses_at_most_its_interval() {
        let kind = kind(true);
        let interval = kind.schedule.interval().expect("an interval");
        assert_eq!(pause(kind, 1), Some(BACKOFF));
        assert_eq!(pause(kind, u32::MAX), Some(interval));
    }
}
