//! The table of jobs: enqueue, claim, complete, fail. All times are by the database's clock, because the clocks of
//! instances differ. Does not know what a kind does, nor when a job is worth another attempt.
//!
//! Every run has a claim. Whatever a run writes, it writes in a transaction that holds the claim's row ([`hold`]), so a
//! run that lost its claim changes nothing more.

use super::bind::Kind::{Int, Text};
use super::link::Dialect;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::{Reader, Result, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use taskwire_protocol::Timestamp;
use uuid::Uuid;

/// The most jobs that a count reads. This result means that there are at least as many.
const COUNTED: i64 = 1000;

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

/// The claim of one run of a job: only this run may complete the job. Clones belong to the same run.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The job's kind.
    pub kind: String,
    /// The job's key.
    pub key: String,
    token: Uuid,
    revision: i64,
}

/// A job that was claimed.
#[derive(Debug)]
pub struct Claimed {
    /// The claim of this run.
    pub claim: Claim,
    /// The payload as JSON.
    pub payload: String,
    /// The number of this attempt, from 1.
    pub attempt: i64,
}

/// A job, for operators.
#[derive(Clone, Debug)]
pub struct JobRecord {
    /// What the job does.
    pub kind: String,
    /// Distinguishes the job from others of its kind.
    pub key: String,
    /// When it may run.
    pub due_at: Timestamp,
    /// Runs since its last success, including a current one.
    pub attempts: i64,
    /// The instance that runs it now.
    pub holder: Option<String>,
    /// When the job became dead: its last attempt failed.
    pub dead_at: Option<Timestamp>,
    /// Why its last run failed.
    pub error: Option<String>,
}

/// The work that is due now and later.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// Milliseconds until the next job is due or the next claim expires. Zero or negative: one is due or expired now.
    pub next_ms: Option<i64>,
    /// How many jobs are due and not running, counted up to 1000.
    pub pending: i64,
    /// How many jobs are dead, by kind, counted up to 1000.
    pub dead: Vec<(String, i64)>,
}

/// Milliseconds since 1970 by the database's clock. It advances during a transaction.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "cast(unixepoch('subsec') * 1000 as bigint)",
        Dialect::Postgres => "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
    }
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
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

/// Which of these kinds have a job with an empty key.
pub async fn existing(reader: &mut Reader, kinds: &[&'static str]) -> Result<Vec<String>> {
    if kinds.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("select kind from jobs where key = '' and kind in (");
    sql.bind_all(kinds.iter().copied()).push(")");
    let rows: Vec<(String,)> = reader.fetch(sql).await?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

/// The work of these kinds that is due now and later. (`kind || ''` here and in [`claim`] keeps SQLite from using the
/// primary key: with it, SQLite would read and sort all jobs of the kinds, instead of reading the first ones by time.)
pub async fn ahead(reader: &mut Reader, kinds: &[&'static str]) -> Result<Ahead> {
    let now = now(reader.dialect());
    let mut sql = Sql::new(&format!("select {now}, (select due_at from jobs where "));
    sql.push("claim is null and dead_at is null and kind || '' in (")
        .bind_all(kinds.iter().copied());
    sql.push(
        ") order by due_at limit 1), (select claimed_until from jobs where claim is not null and kind || '' in (",
    );
    sql.bind_all(kinds.iter().copied());
    sql.push(") order by claimed_until limit 1), (select count(*) from (select 1 from jobs where ");
    sql.push(&format!(
        "claim is null and dead_at is null and due_at <= {now} and kind in ("
    ));
    sql.bind_all(kinds.iter().copied());
    sql.push(") limit ").bind(COUNTED).push(") as due)");
    let (now, due, ends, pending): (i64, Option<i64>, Option<i64>, i64) = reader.get(sql).await?;
    let mut sql =
        Sql::new("select kind, count(*) from (select kind from jobs where dead_at is not null limit ");
    sql.bind(COUNTED).push(") as dead group by kind");
    let dead = reader.fetch(sql).await?;
    let next = due.into_iter().chain(ends).min();
    Ok(Ahead {
        next_ms: next.map(|next| next - now),
        pending,
        dead,
    })
}

/// Frees up to `limit` jobs whose claims have expired, because their instances are gone or hang. Returns the jobs'
/// kinds and the instances that held them.
pub async fn expire(tx: &mut Transaction, limit: i64) -> Result<Vec<(String, String)>> {
    let dialect = tx.dialect()?;
    let (now, skip) = (now(dialect), skip_locked(dialect));
    let mut sql = Sql::new(&format!(
        "with ended as materialized (select kind, key from jobs where claim is not null and claimed_until <= {now}
           order by claimed_until limit "
    ));
    sql.bind(limit).push(skip).push(
        ") update jobs set claim = null, claimed_until = null where (kind, key) in (select kind, key from ended)
           returning kind, coalesce(holder, '')",
    );
    tx.select(sql).await
}

/// Claims up to `limit` jobs of these kinds that are due, each for `term`.
pub async fn claim(
    tx: &mut Transaction,
    kinds: &[&'static str],
    (holder, token): (&str, Uuid),
    term: Duration,
    limit: i64,
) -> Result<Vec<Claimed>> {
    let dialect = tx.dialect()?;
    let (now, skip) = (now(dialect), skip_locked(dialect));
    // materialized: a plan that reads the jobs again for each row would claim more than `limit`
    let mut sql = Sql::new(&format!(
        "with due as materialized (select kind, key from jobs where claim is null and dead_at is null
           and due_at <= {now} and kind || '' in ("
    ));
    sql.bind_all(kinds.iter().copied())
        .push(") order by due_at limit ")
        .bind(limit);
    sql.push(skip)
        .push(") update jobs set attempts = attempts + 1, claim = ")
        .bind(token);
    sql.push(", holder = ").bind(holder);
    sql.push(&format!(", claimed_until = {now} + ")).bind(ms(term));
    sql.push(
        " where (kind, key) in (select kind, key from due) returning kind, key, payload, attempts, revision",
    );
    let rows: Vec<(String, String, String, i64, i64)> = tx.select(sql).await?;
    let claimed = rows
        .into_iter()
        .map(|(kind, key, payload, attempt, revision)| Claimed {
            claim: Claim {
                kind,
                key,
                token,
                revision,
            },
            payload,
            attempt,
        });
    Ok(claimed.collect())
}

/// Two instances that claim at the same time take different jobs, and neither waits for a run that is completing a job.
fn skip_locked(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "",
        Dialect::Postgres => " for update skip locked",
    }
}

impl Claim {
    /// Appends the condition that this run still has the claim.
    fn is_held(&self, sql: &mut Sql) {
        sql.push(" where kind = ").bind(self.kind.as_str());
        sql.push(" and key = ").bind(self.key.as_str());
        sql.push(" and claim = ").bind(self.token);
    }
}

/// Extends a claim by `term` from now, and locks the job until the transaction ends. Returns whether the run still had
/// the claim.
pub async fn hold(tx: &mut Transaction, claim: &Claim, term: Duration) -> Result<bool> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new(&format!("update jobs set claimed_until = {now} + "));
    sql.bind(ms(term));
    claim.is_held(&mut sql);
    sql.push(" returning kind");
    changed(tx, sql).await
}

/// Extends a claim by `term` from now, unless a transaction of the run holds the job at this moment: that transaction
/// extends the claim itself. Returns whether the run still had the claim.
pub async fn renew(tx: &mut Transaction, claim: &Claim, term: Duration) -> Result<bool> {
    let dialect = tx.dialect()?;
    let mut sql = Sql::new(&format!("update jobs set claimed_until = {} + ", now(dialect)));
    sql.bind(ms(term))
        .push(" where (kind, key) in (select kind, key from jobs");
    claim.is_held(&mut sql);
    sql.push(skip_locked(dialect)).push(") returning kind");
    if changed(tx, sql).await? {
        return Ok(true);
    }
    let mut sql = Sql::new("select kind from jobs");
    claim.is_held(&mut sql);
    changed(tx, sql).await
}

/// Completes a job: removes it, or makes it due again after `again`. A job that was enqueued during the run stays, due
/// at the time that it was given then. Returns whether the run still had its claim.
pub async fn complete(tx: &mut Transaction, claim: &Claim, again: Option<Duration>) -> Result<bool> {
    if again.is_none() {
        let mut sql = Sql::new("delete from jobs");
        claim.is_held(&mut sql);
        sql.push(" and revision = ")
            .bind(claim.revision)
            .push(" returning kind");
        if changed(tx, sql).await? {
            return Ok(true);
        }
    }
    let now = now(tx.dialect()?);
    let mut sql =
        Sql::new("update jobs set claim = null, claimed_until = null, attempts = 0, error = null, due_at = ");
    sql.push("case when revision = ").bind(claim.revision);
    sql.push(&format!(" then {now} + "))
        .bind(ms(again.unwrap_or_default()));
    sql.push(" else due_at end");
    claim.is_held(&mut sql);
    sql.push(" returning kind");
    changed(tx, sql).await
}

/// What happens to a job whose run failed.
#[derive(Clone, Copy, Debug)]
pub enum Next {
    /// The job is due again after this time.
    After(Duration),
    /// The job is dead, unless it was enqueued during the run: then it starts over.
    Dead,
}

/// Records why a run failed. Returns whether the run still had its claim.
pub async fn fail(tx: &mut Transaction, claim: &Claim, error: &str, next: Next) -> Result<bool> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new("update jobs set claim = null, claimed_until = null, error = ");
    sql.bind(error);
    match next {
        Next::After(delay) => {
            let then = format!("{now} + ");
            sql.push(", due_at = case when due_at > ")
                .push(&then)
                .bind(ms(delay));
            sql.push(" then due_at else ")
                .push(&then)
                .bind(ms(delay))
                .push(" end");
        }
        Next::Dead => {
            sql.push(", dead_at = case when revision = ").bind(claim.revision);
            sql.push(&format!(" then {now} end, attempts = case when revision = "));
            sql.bind(claim.revision).push(" then attempts else 0 end");
        }
    }
    claim.is_held(&mut sql);
    sql.push(" returning kind");
    changed(tx, sql).await
}

/// Gives back a job whose run did not end, as if the run had not begun. Returns whether the run still had its claim.
pub async fn give_back(tx: &mut Transaction, claim: &Claim) -> Result<bool> {
    let mut sql = Sql::new("update jobs set claim = null, claimed_until = null, attempts = attempts - 1");
    claim.is_held(&mut sql);
    sql.push(" returning kind");
    changed(tx, sql).await
}

async fn changed(tx: &mut Transaction, sql: Sql) -> Result<bool> {
    Ok(!tx.select::<(String,)>(sql).await?.is_empty())
}

/// Up to `limit` jobs: first the dead ones, by the time of their last failure; then the others, by due time.
pub async fn list(reader: &mut Reader, limit: i64) -> Result<Vec<JobRecord>> {
    let columns =
        "select kind, key, due_at, attempts, case when claim is not null then holder end, dead_at, error
        from jobs where dead_at is";
    let mut rows: Vec<Row> = Vec::new();
    for (state, order) in [(" not null", "dead_at"), (" null", "due_at")] {
        let mut sql = Sql::new(columns);
        sql.push(state)
            .push(&format!(" order by {order}, kind, key limit "));
        sql.bind(limit - rows.len() as i64);
        rows.append(&mut reader.fetch(sql).await?);
    }
    Ok(rows.into_iter().map(JobRecord::from).collect())
}

type Row = (
    String,
    String,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<String>,
);

impl From<Row> for JobRecord {
    fn from((kind, key, due_at, attempts, holder, dead_at, error): Row) -> JobRecord {
        JobRecord {
            kind,
            key,
            due_at: Timestamp(due_at),
            attempts,
            holder,
            dead_at: dead_at.map(Timestamp),
            error,
        }
    }
}

/// Makes a job due now and starts its attempts over. Returns false if the job does not exist or is running.
pub async fn retry(tx: &mut Transaction, kind: &str, key: &str) -> Result<bool> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new(&format!(
        "update jobs set due_at = {now}, attempts = 0, dead_at = null, error = null where kind = "
    ));
    sql.bind(kind).push(" and key = ").bind(key);
    sql.push(" and claim is null returning kind");
    changed(tx, sql).await
}

/// Removes a job. If a run is under way, it does not complete. Returns whether the job existed.
pub async fn delete(tx: &mut Transaction, kind: &str, key: &str) -> Result<bool> {
    let mut sql = Sql::new("delete from jobs where kind = ");
    sql.bind(kind)
        .push(" and key = ")
        .bind(key)
        .push(" returning kind");
    changed(tx, sql).await
}
