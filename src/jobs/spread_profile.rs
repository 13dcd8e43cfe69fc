//! Shows a changed profile in every workspace of its user, with a `member.updated` in each. The change itself is
//! committed under the lock of the user's stream alone, and enqueues this job in the same transaction.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::store::jobs::SpreadProfile;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for SpreadProfile {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 12 };
    const LIMIT: Duration = Duration::from_mins(10);

    /// A repeated run changes nothing: a workspace that shows the profile as it is now gets no event.
    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let mut after = None;
        loop {
            after = run.engine().spread_profile(&self, after).await?;
            if after.is_none() {
                return run.end().await;
            }
        }
    }
}
