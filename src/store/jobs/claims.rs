//! The claims of runs: one run of a job at a time, and only the run that has the claim completes it.

use super::enqueue::Payload;
use super::{changed, ms, now};
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::{Result, Transaction};
use std::time::Duration;
use uuid::Uuid;

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

/// Gives a job another payload, for its runs after this one. Returns whether the run still had its claim.
pub async fn rewrite<P: Payload>(tx: &mut Transaction, claim: &Claim, payload: &P) -> Result<bool> {
    let mut sql = Sql::new("update jobs set payload = ");
    sql.bind(serde_json::to_string(payload)?);
    claim.is_held(&mut sql);
    sql.push(" returning kind");
    changed(tx, sql).await
}

/// Appends the condition that a job is another one of the claim's kind, whose key is this beginning and an id.
fn is_beside(sql: &mut Sql, claim: &Claim, begin: &str) {
    sql.push(" where dead_at is null and kind = ")
        .bind(claim.kind.as_str());
    // an index finds these; a database may sort text in its own way, but all ids have the same form
    sql.push(" and key between ")
        .bind(format!("{begin}{}", Uuid::nil()));
    sql.push(" and ").bind(format!("{begin}{}", Uuid::max()));
    sql.push(" and key like ").bind(format!("{begin}%"));
    sql.push(" and key <> ").bind(claim.key.as_str());
}

/// Removes up to `limit` other jobs of the same kind that no run has, and whose keys are this beginning and an id. Returns
/// their payloads by key.
pub async fn absorb(tx: &mut Transaction, claim: &Claim, begin: &str, limit: i64) -> Result<Vec<String>> {
    let skip = skip_locked(tx.dialect()?);
    let mut sql = Sql::new("delete from jobs where (kind, key) in (select kind, key from jobs");
    is_beside(&mut sql, claim, begin);
    sql.push(" and claim is null order by key limit ").bind(limit);
    sql.push(skip).push(") returning key, payload");
    let mut absorbed: Vec<(String, String)> = tx.select(sql).await?;
    absorbed.sort_unstable();
    Ok(absorbed.into_iter().map(|(_, payload)| payload).collect())
}

/// The key of the first other job of the same kind whose key is this beginning and an id.
pub async fn beside(tx: &mut Transaction, claim: &Claim, begin: &str) -> Result<Option<String>> {
    let mut sql = Sql::new("select key from jobs");
    is_beside(&mut sql, claim, begin);
    sql.push(" order by key limit 1");
    let rows: Vec<(String,)> = tx.select(sql).await?;
    Ok(rows.into_iter().map(|(key,)| key).next())
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
