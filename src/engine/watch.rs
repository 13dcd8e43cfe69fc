//! Watches the database: tells the operator when it is away and when it is back, and compares its epoch with the one at
//! the start. Requests find out on their own, and do not ask here.

use super::Engine;
use crate::outage::Outage;
use crate::store::{Result, Store};
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, timeout};

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// A question that takes longer is asked on a new connection too: those of the pool may be busy or dead.
const ANSWER: Duration = Duration::from_secs(1);
/// A new connection that takes longer to answer tells that the database is away.
const NEW_CONNECTION: Duration = Duration::from_secs(4);

impl Engine {
    /// Whether the database answered when this node asked last, which is a few seconds ago at most.
    pub fn is_database_up(&self) -> bool {
        self.0.database_up.load(Ordering::Relaxed)
    }

    /// Watches the database until it is in another epoch.
    pub(super) async fn watch_database(self) {
        tokio::select! {
            biased;
            // that is no outage: the node drains
            () = self.outdated() => {}
            () = self.look_at_database() => {}
        }
    }

    async fn look_at_database(&self) {
        let mut outage = Outage::of(
            "the database",
            "requests are refused until it is back, and sockets stay open",
        );
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = None;
        loop {
            looks.tick().await;
            let since = Instant::now();
            let answer = ask(&self.0.store, &mut asked).await;
            self.0.database_up.store(answer.is_ok(), Ordering::Relaxed);
            match answer {
                Ok(()) => outage.end(Instant::now()),
                Err(reason) => outage.begin(since, &reason),
            }
        }
    }
}

/// Whether the database answers, and why not. A question that has no answer yet is asked only once, because it may hold
/// a connection of the pool.
async fn ask(store: &Store, asked: &mut Option<JoinHandle<Result<()>>>) -> std::result::Result<(), String> {
    let asking = asked.get_or_insert_with(|| {
        let store = store.clone();
        // a standby answers too, but has no epoch
        tokio::spawn(async move { store.compare_epoch().await })
    });
    let failed = match timeout(ANSWER, asking).await {
        Err(_) => format!(
            "it did not answer within {} s",
            (ANSWER + NEW_CONNECTION).as_secs()
        ),
        Ok(answered) => {
            *asked = None;
            match answered {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(panicked) => panicked.to_string(),
            }
        }
    };
    // the pool tries to connect until its time is over, and then tells no reason; a new connection does
    match timeout(NEW_CONNECTION, store.reach()).await {
        Ok(reached) => reached.map_err(|reason| reason.to_string()),
        Err(_) => Err(failed),
    }
}
