//! Counts a workspace's tasks for statistics, in short steps on the writer: before each query that reads the counts, and of
//! workspaces that were counted once, from time to time. `store/statistics` has the steps.
//!
//! The first time, and after an interruption, all tasks are looked at, which takes a minute for a few million. A query waits
//! for that as long as it may, and then is told to come back; the counting goes on without it.

use super::item::Whose;
use super::{Chore, Engine, finished, spawned};
use crate::store::{StoreError, Transaction, statistics};
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, WorkspaceId};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

/// The entries or tasks of the first step.
const STEP: i64 = 128;
/// Steps grow up to this size, which takes some milliseconds. Between two steps, groups of mutations run.
const LARGEST: i64 = 512;
/// The pause between two looks at which workspaces are behind.
const LOOK: Duration = Duration::from_secs(5);
/// A workspace is counted without being asked for when its log is this far ahead.
const DISTANCE: i64 = 256;
/// The most workspaces that one look counts.
const COUNTED: i64 = 64;
/// When a query that could not wait may come back.
const AGAIN_MS: u64 = 2_000;
/// The most workspaces for which turns are kept.
const TURNS: u64 = 10_000;

/// Whose turn it is to count a workspace: others that ask for the same find it done.
pub(super) struct Counting(Cache<WorkspaceId, Arc<Mutex<()>>>);

impl Default for Counting {
    fn default() -> Counting {
        Counting(Cache::new(TURNS))
    }
}

impl Counting {
    fn turn(&self, workspace: WorkspaceId) -> Arc<Mutex<()>> {
        self.0.get_with(workspace, Arc::default)
    }
}

/// A step of counting.
struct CatchUp {
    workspace: WorkspaceId,
    limit: i64,
}

impl Chore for CatchUp {
    /// Whether there is more to count.
    type Output = bool;

    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        statistics::catch_up(tx, self.workspace, self.limit).await
    }
}

impl Engine {
    /// Counts the tasks of a workspace as they are now, or later. The steps wait for the turns of their owner.
    pub(super) async fn count_up(&self, whose: Whose, workspace: WorkspaceId) -> Result<(), Failure> {
        let store = self.0.store.clone();
        let due = spawned(async move { statistics::due(&mut store.read().await?, workspace).await });
        let Some(position) = due.await? else {
            return Ok(());
        };
        let until = Instant::now() + self.0.query * 3 / 4;
        let turn = self.0.counting.turn(workspace).lock_owned();
        let turn = timeout_at(until, turn).await.map_err(|_| still_counting())?;
        let engine = self.clone();
        let counting = finished(async move {
            let _turn = turn;
            engine.count_up_to(whose, workspace, position).await
        });
        timeout_at(until, counting)
            .await
            .unwrap_or_else(|_| Err(still_counting()))
    }

    async fn count_up_to(&self, whose: Whose, workspace: WorkspaceId, position: i64) -> Result<(), Failure> {
        let mut limit = STEP;
        loop {
            let store = self.0.store.clone();
            let counted = spawned(async move {
                let mut reader = store.read().await?;
                statistics::is_counted(&mut reader, workspace, position).await
            });
            if counted.await? {
                return Ok(());
            }
            let step = CatchUp { workspace, limit };
            if !self.chore_for(whose, step).await? {
                return Ok(());
            }
            limit = (limit * 2).min(LARGEST);
        }
    }

    /// Counts workspaces that somebody asked for before and that changed much since, until the instance ends. So the next
    /// query has little to wait for, and the log still reaches back to where the counting stopped.
    pub(super) async fn keep_counted(self) {
        loop {
            sleep(LOOK).await;
            let store = self.0.store.clone();
            let behind = spawned(async move {
                let mut reader = store.read().await?;
                statistics::behind(&mut reader, DISTANCE, COUNTED).await
            });
            for workspace in behind.await.unwrap_or_default() {
                if let Err(failure) = self.count_up(Whose::Server, workspace).await {
                    tracing::debug!(error.message = %failure, "could not count tasks; it is tried again");
                }
            }
        }
    }
}

fn still_counting() -> Failure {
    let message = "the tasks of this workspace are being counted for the first time; try again";
    Failure::new(ErrorCode::Unavailable, message).after(AGAIN_MS)
}
