//! Takes the name of a deleted user out of the log of a workspace that they left (`ops/deletion`): its history shows
//! "Deleted user". The entries themselves stay.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::store::jobs::ForgetName;
use std::time::Duration;
use taskwire_protocol::Failure;

impl Job for ForgetName {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    /// A repeated run looks at all entries again, and rewrites those that are left.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let mut next = run.engine().name_to_forget(&self).await?;
        while let Some(step) = next {
            let rewritten = run.step(step).await?;
            if let Some(last) = rewritten.last {
                run.engine().log_was_rewritten(self.workspace.into(), last);
            }
            next = rewritten.next;
        }
        run.end().await
    }
}
