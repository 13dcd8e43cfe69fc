//! What the runner of jobs and the operator need of the database. Does not know what jobs do.

use super::{Chore, Engine, spawned};
use crate::ops::not_found;
use crate::store::jobs::{self, Ahead, JobRecord};
use crate::store::{StoreError, Transaction};
use taskwire_protocol::{ErrorCode, Failure};
use uuid::Uuid;

/// The most jobs that an operator is shown.
const LISTED: i64 = 500;

impl Engine {
    /// Waits until this instance has enqueued a job.
    pub async fn job_enqueued(&self) {
        self.0.enqueued.notified().await;
    }

    /// Whether other instances may enqueue and run jobs too.
    pub fn is_shared(&self) -> bool {
        self.0.store.is_shared()
    }

    /// A new token for claims.
    pub fn claim_token(&self) -> Uuid {
        self.0.ids.next()
    }

    /// When the next job of these kinds is due, how many wait, and how many are dead.
    pub async fn jobs_ahead(&self, kinds: Vec<&'static str>) -> Result<Ahead, Failure> {
        let store = self.0.store.clone();
        spawned(async move { jobs::ahead(&mut store.read().await?, &kinds).await }).await
    }

    /// Which of these kinds have a job with an empty key, the only job of a recurring kind.
    pub async fn existing_jobs(&self, kinds: Vec<&'static str>) -> Result<Vec<String>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { jobs::existing(&mut store.read().await?, &kinds).await }).await
    }

    /// The first 500 jobs: first the dead ones, then the others by due time.
    pub async fn jobs(&self) -> Result<Vec<JobRecord>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { jobs::list(&mut store.read().await?, LISTED).await }).await
    }

    /// Makes a job due now; its attempts start over.
    pub async fn retry_job(&self, kind: &str, key: &str) -> Result<(), Failure> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        if !self.chore(Retry { kind, key }).await? {
            let message =
                "no job of this kind and key is waiting; `taskwire admin jobs` shows whether it is running";
            return Err(Failure::new(ErrorCode::NotFound, message));
        }
        self.0.enqueued.notify_one();
        Ok(())
    }

    /// Removes a job. If a run is under way, it does not complete.
    pub async fn drop_job(&self, kind: &str, key: &str) -> Result<(), Failure> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        if !self.chore(Drop { kind, key }).await? {
            return Err(not_found("job"));
        }
        Ok(())
    }
}

struct Retry {
    kind: String,
    key: String,
}

impl Chore for Retry {
    type Output = bool;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        jobs::retry(tx, &self.kind, &self.key).await
    }
}

struct Drop {
    kind: String,
    key: String,
}

impl Chore for Drop {
    type Output = bool;
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<bool, StoreError> {
        jobs::delete(tx, &self.kind, &self.key).await
    }
}
