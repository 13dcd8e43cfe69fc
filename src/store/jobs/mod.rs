//! The table of jobs. All times are by the database's clock, because the clocks of instances differ. Does not know what a
//! kind does, nor when a job is worth another attempt.
//!
//! - `enqueue`   puts jobs into the table
//! - `claims`    claims what is due, and holds, renews, completes or gives up the claim
//! - `payloads`  what jobs that mutations enqueue are about
//! - `overview`  what is due or dead, for the runner and for operators, and what operators change
//!
//! Every run has a claim. Whatever a run writes, it writes in a transaction that holds the claim's row ([`hold`]), so a
//! run that lost its claim changes nothing more.

mod claims;
mod enqueue;
mod overview;
mod payloads;

use super::link::Dialect;
use super::sql::Sql;
use super::{Result, Transaction};
use std::time::Duration;

pub use claims::{
    Claim, Claimed, Next, absorb, beside, claim, complete, expire, fail, give_back, hold, renew, rewrite,
};
pub use enqueue::{NewJob, Payload, ensure, insert};
pub use overview::{Ahead, JobRecord, ahead, delete, existing, forget_dead, list, retry};
pub use payloads::{
    AdoptTags, EraseAccount, EraseWorkspace, ForgetName, ForgetTask, LookAgain, RemoveFiles, ShowInvites,
    SpreadProfile, Unassign,
};

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

/// Whether a statement that returns a text for each row that it changes changed any.
async fn changed(tx: &mut Transaction, sql: Sql) -> Result<bool> {
    Ok(!tx.select::<(String,)>(sql).await?.is_empty())
}
