//! Looks again when a user is to be told about tasks, after the time zone, the preferences or the memberships changed. A
//! repeated run looks once more, and changes nothing.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps as _};
use crate::store::jobs::LookAgain;
use std::time::Duration;
use taskwire_protocol::{Failure, TaskId};
use uuid::Uuid;

impl Job for LookAgain {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 12 };
    const LIMIT: Duration = Duration::from_mins(10);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let mut after = Some(TaskId(Uuid::nil()));
        while let Some(from) = after {
            after = run.engine().look_again(self.user, from).await?;
        }
        run.end().await
    }
}
