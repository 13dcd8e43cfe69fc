//! What is due, waiting or dead, for the runner and for operators; and what operators change by hand.

use super::{changed, ms, now};
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use std::time::Duration;
use taskwire_protocol::Timestamp;

/// The most jobs that a count reads. This result means that there are at least as many.
const COUNTED: i64 = 1000;

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
    /// How many jobs will run, now or later, by kind, counted up to 1000.
    pub waiting: Vec<(String, i64)>,
}

/// The work of these kinds that is due now and later. (`kind || ''` here and in [`claim`](super::claim) keeps SQLite
/// from using the primary key: with it, SQLite would read and sort all jobs of the kinds, instead of reading the first
/// ones by time.)
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
    let mut sql = Sql::new(
        "select kind, count(*) from (select kind from jobs where claim is null and dead_at is null limit ",
    );
    sql.bind(COUNTED).push(") as waiting group by kind");
    let waiting = reader.fetch(sql).await?;
    let next = due.into_iter().chain(ends).min();
    Ok(Ahead {
        next_ms: next.map(|next| next - now),
        pending,
        dead,
        waiting,
    })
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

/// Deletes up to `limit` jobs of a kind that have been dead for `kept`.
pub async fn forget_dead(
    tx: &mut Transaction,
    kind: &'static str,
    kept: Duration,
    limit: i64,
) -> Result<u64> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new("delete from jobs where (kind, key) in (select kind, key from jobs where kind = ");
    sql.bind(kind)
        .push(&format!(" and dead_at <= {now} - "))
        .bind(ms(kept));
    sql.push(" limit ").bind(limit).push(") returning kind");
    Ok(tx.select::<(String,)>(sql).await?.len() as u64)
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
