//! Forgets what was told about a task that was purged, where that is too much for the transaction of the purge: stream by
//! stream, first a user's notifications, then the entries of the log. Readers do not see it meanwhile (`store/purges`).

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps};
use crate::store::jobs::ForgetTask;
use std::time::Duration;
use taskwire_protocol::{Failure, StreamId};

impl Job for ForgetTask {
    const SCHEDULE: Schedule = Schedule::Once { attempts: 84 };
    /// The next run continues where this one ended.
    const LIMIT: Duration = Duration::from_hours(1);
    /// Many may be waiting, after many purges. Others need the room too.
    const AT_ONCE: usize = 1;

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let task = self.task;
        while let Some(place) = run.engine().next_to_forget(task).await? {
            if let StreamId::User(user) = place.stream {
                while run.engine().forget_notifications_about(task, user).await? {}
            }
            let mut next = Some(run.engine().rewrite_task(task, place));
            while let Some(step) = next {
                let rewritten = run.step(step).await?;
                if let Some(last) = rewritten.last {
                    run.engine().log_was_rewritten(place.stream, last);
                }
                next = rewritten.next;
            }
        }
        run.end().await
    }
}
