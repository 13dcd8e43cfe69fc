//! Keeps the time in the newest id in the database, so that ids increase after a restart too.

use super::{Chore, Engine};
use crate::clock::Clock;
use crate::store::{OpenError, Store, StoreError, Transaction, newest};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Between two looks. Nothing is written while no id is made.
const LOOK: Duration = Duration::from_secs(5);

/// The time in the newest id, if the clock was set back since; otherwise 0.
pub(super) async fn found(store: &Store, clock: &Clock) -> Result<i64, OpenError> {
    let now_ms = clock.now_ms();
    let newest = newest::find(&mut store.read().await?, now_ms).await?;
    // a demo plays in a month that is over
    if newest > now_ms && !clock.is_fixed() {
        let ahead_s = (newest - now_ms) / 1000;
        tracing::warn!(
            ahead_s,
            "the clock is behind the newest id in the database: was it set back? New ids continue there"
        );
    }
    Ok(newest)
}

impl Engine {
    /// Stores the time in the newest id now and then, for ever.
    pub(super) async fn keep_newest_ids(self) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stored = 0;
        loop {
            tick.tick().await;
            let newest = self.0.ids.newest_ms();
            // a database that is away is asked again; meanwhile nothing is committed either
            if newest > stored && self.chore(KeepNewest(newest)).await.is_ok() {
                stored = newest;
            }
        }
    }

    /// Stores the time in the newest id: the last thing that a node writes.
    pub(super) async fn keep_newest_id(&self) {
        let _ = self.chore(KeepNewest(self.0.ids.newest_ms())).await;
    }
}

struct KeepNewest(i64);

impl Chore for KeepNewest {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        newest::store(tx, self.0).await
    }
}
