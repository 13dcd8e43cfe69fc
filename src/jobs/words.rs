//! Indexes the words of tasks soon after they changed, on SQLite, where writing a task does not do it. The group that
//! changes a task enqueues the job (`engine/words`).

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::engine::IndexWords;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for IndexWords {
    /// Few, so that an operator is told early. Nothing is lost by it: each search indexes what is missing.
    const SCHEDULE: Schedule = Schedule::Once { attempts: 4 };
    const LIMIT: Duration = Duration::from_mins(10);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        run.engine().words_job_begins();
        let mut next = run.engine().words_to_index().await?;
        while let Some(step) = next {
            let (left, ended) = run.step_or_end(step, Option::is_none).await?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
            next = left;
        }
        // a search was here before
        run.end().await
    }
}
