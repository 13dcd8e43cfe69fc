//! Puts jobs into the table.

use super::{ms, now};
use crate::store::bind::Kind::{Int, Text};
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::{Result, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The payload of jobs of one kind. It is declared in a lower layer than the job's code, so that code that enqueues a
/// job does not depend on the code that runs it.
pub trait Payload: Serialize + DeserializeOwned + Send + 'static {
    /// The kind's name. It is stored: a new name is a new kind.
    const KIND: &'static str;
}

/// A job to enqueue.
#[derive(Clone, Debug)]
pub struct NewJob {
    kind: &'static str,
    key: String,
    payload: String,
    delay: Duration,
}

impl NewJob {
    /// A job that is due after `delay`. The key distinguishes it from other jobs of its kind.
    pub fn new<P: Payload>(key: impl Into<String>, payload: &P, delay: Duration) -> Result<NewJob> {
        Ok(NewJob {
            kind: P::KIND,
            key: key.into(),
            payload: serde_json::to_string(payload)?,
            delay,
        })
    }

    /// The kind and the key. There is at most one job with both.
    pub fn identity(&self) -> (&'static str, String) {
        (self.kind, self.key.clone())
    }

    /// The only job of a recurring kind. Its key is empty.
    pub fn recurring(kind: &'static str, delay: Duration) -> NewJob {
        NewJob {
            kind,
            key: String::new(),
            payload: "null".to_owned(),
            delay,
        }
    }
}

static INSERT: Statement = statement(
    &[("kind", Text), ("key", Text), ("payload", Text), ("delay", Int)],
    "insert into jobs (kind, key, payload, due_at, attempts, revision)
     select kind, key, payload, delay +
       {sqlite:cast(unixepoch('subsec') * 1000 as bigint)}
       {postgres:cast(extract(epoch from clock_timestamp()) * 1000 as bigint)}, 0, 0
     from v where {rows}
     on conflict (kind, key) do update set payload = excluded.payload, revision = jobs.revision + 1, dead_at = null,
       due_at = case when jobs.dead_at is null and jobs.attempts > 0 and jobs.due_at > excluded.due_at
         then jobs.due_at else excluded.due_at end,
       attempts = case when jobs.dead_at is null then jobs.attempts else 0 end",
);

/// Enqueues jobs, no two of them with equal kind and key. A job that exists takes the new payload and the new time,
/// with these exceptions: a job that failed runs no earlier than its backoff says and keeps its count of attempts; a
/// job that is running runs once more afterwards; a dead job starts over. So no enqueued job is lost, and enqueuing
/// undoes no run.
pub async fn insert<'a>(tx: &mut Transaction, jobs: impl IntoIterator<Item = &'a NewJob>) -> Result<()> {
    let rows = jobs.into_iter().map(|job| {
        [
            job.kind.into(),
            job.key.as_str().into(),
            job.payload.as_str().into(),
            ms(job.delay).into(),
        ]
    });
    tx.execute(&INSERT, Batch::of(rows)).await
}

/// Enqueues a job unless a job of this kind and key exists.
pub async fn ensure(tx: &mut Transaction, job: &NewJob) -> Result<()> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new("insert into jobs (kind, key, payload, due_at, attempts, revision) values (");
    sql.bind(job.kind).push(", ").bind(job.key.as_str()).push(", ");
    sql.bind(job.payload.as_str())
        .push(&format!(", {now} + "))
        .bind(ms(job.delay));
    sql.push(", 0, 0) on conflict (kind, key) do nothing returning kind");
    tx.select::<(String,)>(sql).await.map(drop)
}
