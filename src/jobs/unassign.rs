//! Takes a person who left a workspace from its tasks, where these are too many for the transaction of the departure.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::store::jobs::Unassign;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for Unassign {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    /// The next run continues where this one ended.
    const LIMIT: Duration = Duration::from_hours(1);
    /// Others need the room too.
    const AT_ONCE: usize = 1;

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        while run.engine().unassign(&self).await? {}
        run.end().await
    }
}
