//! Makes tags of the names that tasks have from an older version, each with an event. A migration enqueues it.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::engine::KeyTags;
use crate::store::jobs::AdoptTags;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for AdoptTags {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 12 };
    const LIMIT: Duration = Duration::from_hours(1);

    /// A repeated run changes nothing: it finds no names without a tag.
    async fn run(self, run: Run) -> Result<Ended, Failure> {
        while run.engine().tags_to_key().await? && run.step(KeyTags).await? {}
        let mut after = None;
        loop {
            after = run.engine().adopt_tags(after).await?;
            if after.is_none() {
                return run.end().await;
            }
        }
    }
}
