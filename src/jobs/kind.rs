//! A kind of job: its name, its limits and its work.

use super::run::{Ended, Run};
use crate::store::jobs::Payload;
use std::pin::Pin;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};

/// The work of one kind of job. The value is the payload.
pub trait Job: Payload {
    /// How often it runs.
    const SCHEDULE: Schedule;
    /// A run that takes longer is ended, and has failed.
    const LIMIT: Duration;

    /// Does the work. A run may end at any moment and begin again from the start, on another instance too: what it did in
    /// earlier transactions must not harm when it is done twice. What must be done once belongs in the transaction that
    /// completes the job ([`Run::step_or_end`]).
    fn run(self, run: Run) -> impl Future<Output = Result<Ended, Failure>> + Send;
}

/// How often a job runs.
#[derive(Clone, Copy, Debug)]
pub enum Schedule {
    /// Until it succeeds, so many times at most; then it is dead.
    Once {
        /// Runs that may fail.
        attempts: u32,
    },
    /// Again and again. The server itself keeps the job in the table: one of the kind, whose key is empty and whose payload
    /// is `null`. It never dies.
    Every {
        /// From the job's creation to its first run.
        first: Duration,
        /// From a success to the next run; after a failure, the longest pause.
        interval: Duration,
    },
}

impl Schedule {
    /// When a success is followed by another run.
    pub(super) fn interval(self) -> Option<Duration> {
        match self {
            Schedule::Once { .. } => None,
            Schedule::Every { interval, .. } => Some(interval),
        }
    }

    /// Whether the job may not run again after this many runs.
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
    pub(super) start: fn(Run, &str) -> Running,
}

impl Kind {
    /// The row of a kind.
    pub const fn of<J: Job>() -> Kind {
        Kind {
            name: J::KIND,
            schedule: J::SCHEDULE,
            limit: J::LIMIT,
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
