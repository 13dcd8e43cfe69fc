//! The pauses before a reconnect: first short, then longer, and random, so that instances do not reconnect all at once.

use std::time::Duration;

/// The bound of the first pause. The bound doubles with each pause.
const FIRST: Duration = Duration::from_millis(50);
/// The largest bound.
const LONGEST: Duration = Duration::from_secs(2);

/// Full jitter: each pause is a random time up to a bound that grows.
pub(super) struct Backoff {
    pub(super) bound: Duration,
}

impl Backoff {
    pub(super) fn new() -> Backoff {
        Backoff { bound: FIRST }
    }

    /// The connection worked: the next pauses are short again.
    pub(super) fn reset(&mut self) {
        self.bound = FIRST;
    }

    pub(super) async fn pause(&mut self) {
        let bound = self.bound.as_millis() as u64;
        self.bound = (self.bound * 2).min(LONGEST);
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..=bound))).await;
    }
}
