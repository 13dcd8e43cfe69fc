//! Indexes the texts of changed tasks on SQLite, where the write of a task does not index them. The group that changes
//! a task enqueues the job (`engine/words`). On both databases it also updates what an older version wrote; a migration
//! enqueues it for that.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::engine::{IndexWords, KeyTags};
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for IndexWords {
    /// Few attempts, so that an operator hears of a failure early. Nothing is lost: each search indexes what is
    /// missing.
    const SCHEDULE: Schedule = Schedule::Once { attempts: 4 };
    /// After an upgrade every task is indexed, on PostgreSQL from the first one in each run.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        run.engine().words_job_begins();
        while run.engine().tags_to_key().await? && run.step(KeyTags).await? {}
        let mut next = run.engine().words_to_index().await?;
        while let Some(step) = next {
            let (left, ended) = run.step_or_end(step, Option::is_none).await?;
            if let Some(ended) = ended {
                return Ok(ended);
            }
            next = left;
        }
        // a search has indexed everything already
        run.end().await
    }
}
