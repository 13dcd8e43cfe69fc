//! Work that a caller does not wait for, because the time of the answer would tell what it found. A bounded number at a
//! time; what is begun is finished before the node stops.

use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How many run at a time.
const MOST: u32 = 64;
/// When a caller who was refused should try again.
const RETRY_AFTER_MS: u64 = 1000;
/// The longest time that a stopping node waits for them.
const PATIENCE: Duration = Duration::from_secs(2);

/// The places of such work.
pub(super) struct Aside(Arc<Semaphore>);

impl Default for Aside {
    fn default() -> Aside {
        Aside(Arc::new(Semaphore::new(MOST as usize)))
    }
}

impl Aside {
    /// Begins the work. What it fails of is logged.
    ///
    /// # Errors
    /// `UNAVAILABLE` when too much is under way, whatever the work is about.
    pub(super) fn begin(
        &self,
        work: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Result<(), Failure> {
        let place = self.0.clone().try_acquire_owned().map_err(|_| {
            let message = "too many requests at once; try again shortly";
            Failure::new(ErrorCode::Unavailable, message).after(RETRY_AFTER_MS)
        })?;
        tokio::spawn(async move {
            if let Err(failure) = work.await {
                tracing::warn!(
                    error.code = failure.code.as_str(),
                    "a mail that was asked for was not enqueued"
                );
            }
            drop(place);
        });
        Ok(())
    }

    /// Waits until everything is done.
    pub(super) async fn finish(&self) {
        let _ = timeout(PATIENCE, self.0.acquire_many(MOST)).await;
    }
}
