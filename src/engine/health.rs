//! What probes, metrics and jobs ask of the engine's parts.

use super::{Chore, Engine, spawned};
use crate::store::{StoreError, Transaction, epoch, streams};
use std::time::{Duration, Instant};
use taskwire_protocol::Failure;
use uuid::Uuid;

/// A database that takes longer to answer counts as unavailable.
const PATIENCE: Duration = Duration::from_secs(3);

/// The state of the database.
#[derive(Clone, Debug)]
pub struct DatabaseHealth {
    /// Whether it answers.
    pub healthy: bool,
    /// How long the answer took.
    pub latency: Duration,
    /// `sqlite` or `postgres`.
    pub kind: &'static str,
    /// Why writes are refused although it answers: there is no room.
    pub shortage: Option<String>,
}

impl Engine {
    /// Whether the database answers, and how fast.
    pub async fn database_health(&self) -> DatabaseHealth {
        let (store, started) = (self.0.store.clone(), Instant::now());
        let ping = tokio::spawn(async move { store.ping().await.is_ok() });
        let answered = tokio::time::timeout(PATIENCE, ping).await;
        let (healthy, latency) = (matches!(answered, Ok(Ok(true))), started.elapsed());
        let shortage = if healthy { self.shortage().await } else { None };
        DatabaseHealth {
            healthy,
            latency,
            kind: self.0.store.kind(),
            shortage,
        }
    }

    async fn shortage(&self) -> Option<String> {
        let store = self.0.store.clone();
        if store.was_full() {
            // somebody may have made room since, and nobody written
            let _ = tokio::time::timeout(PATIENCE, self.chore(Probe)).await;
        }
        let found = tokio::time::timeout(PATIENCE, spawned(async move { store.shortage().await })).await;
        found.ok()?.ok()?
    }

    /// The size of SQLite's write-ahead log; `None` with another database.
    pub fn wal_bytes(&self) -> Option<u64> {
        self.0.store.wal_bytes()
    }

    /// Streams after `after` with more than `events` entries: their ids and heads.
    pub async fn longer_streams(
        &self,
        events: i64,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<(Uuid, i64)>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { streams::longer_than(&mut store.read().await?, events, after, limit).await })
            .await
    }

    /// Waits until the database's epoch differs from the one at the start, because an operator began a new epoch or a
    /// standby took over. Positions of the old epoch are invalid; clients learn that when the node starts again.
    pub async fn outdated(&self) {
        self.0.store.outdated().await;
    }
}

/// A write that changes nothing.
struct Probe;

impl Chore for Probe {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        epoch::rewrite(tx).await
    }
}
