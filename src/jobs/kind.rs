//! A kind of job: its name, its limits and its work.

use super::run::{Ended, Run};
use crate::store::jobs::Payload;
use std::pin::Pin;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};

/// A kind of job. A value of the type is the payload of one job.
pub trait Job: Payload {
    /// How often the job runs.
    const SCHEDULE: Schedule;
    /// A run that takes longer is ended and counts as failed.
    const LIMIT: Duration;
    /// The most jobs of this kind that an instance runs at the same time.
    const AT_ONCE: usize = usize::MAX;

    /// Does the work. A run may stop at any moment, and the next run begins from the start, perhaps on another
    /// instance. So transactions before the last one must be safe to repeat. What must be done exactly once belongs in
    /// the transaction that completes the job ([`Run::step_or_end`]).
    fn run(self, run: Run) -> impl Future<Output = Result<Ended, Failure>> + Send;
}

/// How often a job runs.
#[derive(Clone, Copy, Debug)]
pub enum Schedule {
    /// Until it succeeds. After the last attempt it is dead.
    Once {
        /// The most runs.
        attempts: u32,
    },
    /// Again and again. The server itself inserts the job into the table: one of this kind, with an empty key and the
    /// payload `null`. It is never dead.
    Every {
        /// The time from the job's creation to its first run.
        first: Duration,
        /// The time from a success to the next run; after failures, the longest pause.
        interval: Duration,
    },
}

impl Schedule {
    /// The time from a success to the next run; `None` if there is no next run.
    pub(super) fn interval(self) -> Option<Duration> {
        match self {
            Schedule::Once { .. } => None,
            Schedule::Every { interval, .. } => Some(interval),
        }
    }

    /// Whether this many runs are all that the job may have.
    pub(super) fn is_over(self, runs: u32) -> bool {
        matches!(self, Schedule::Once { attempts } if runs >= attempts)
    }
}

pub(super) type Running = Pin<Box<dyn Future<Output = Result<Ended, Failure>> + Send>>;

/// A row of the registry.
#[derive(Debug)]
pub struct Kind {
    pub(super) name: &'static str,
    pub(super) schedule: Schedule,
    pub(super) limit: Duration,
    pub(super) at_once: usize,
    pub(super) start: fn(Run, &str) -> Running,
}

impl Kind {
    /// The registry's row for `J`.
    pub const fn of<J: Job>() -> Kind {
        Kind {
            name: J::KIND,
            schedule: J::SCHEDULE,
            limit: J::LIMIT,
            at_once: J::AT_ONCE,
            start: start::<J>,
        }
    }
}

fn start<J: Job>(run: Run, payload: &str) -> Running {
    match serde_json::from_str::<J>(payload) {
        Ok(job) => Box::pin(job.run(run)),
        Err(error) => {
            let message = format!("the payload of the job cannot be read: {error}");
            let failure = Failure::new(ErrorCode::InternalError, message);
            Box::pin(std::future::ready(Err(failure)))
        }
    }
}
