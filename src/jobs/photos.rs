//! Removes photos that no account has: an upload that was interrupted leaves them, and so does a deletion that the store
//! of files refused.

use super::kind::{Job, Schedule};
use super::run::{Ended, Run, Steps as _};
use crate::store::jobs::Payload;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use taskwire_protocol::Failure;

/// The job. It has no parameters.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClearPhotos;

impl Payload for ClearPhotos {
    const KIND: &'static str = "photos";
}

impl Job for ClearPhotos {
    const SCHEDULE: Schedule = Schedule::Every {
        first: Duration::from_mins(5),
        interval: Duration::from_hours(6),
    };
    /// The next run begins from the start, and finds less to remove.
    const LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Ended, Failure> {
        let cleared = run.engine().clear_photos().await?;
        if cleared > 0 {
            tracing::info!(files = cleared, "removed photos that no account has");
        }
        run.end().await
    }
}
