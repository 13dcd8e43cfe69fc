//! The epoch of the logs: positions are valid within one epoch. It consists of the stored value and, on PostgreSQL, of
//! the server's timeline. A standby that takes over, or a server that was restored to an earlier moment, may lack the
//! end of the logs, and starts another timeline. An instance runs in the epoch in which it opened the database.

use super::sql::Sql;
use super::{Result, Transaction};

/// Begins a new epoch.
pub async fn replace(tx: &mut Transaction, epoch: &str) -> Result<()> {
    let mut sql = Sql::new("update meta set value = ");
    sql.bind(epoch).push(" where key = 'epoch' returning value");
    tx.select::<(String,)>(sql).await.map(drop)
}

/// Writes the epoch over itself: to see whether a write works, or to let one transaction after the other go on from here,
/// on all instances.
pub async fn rewrite(tx: &mut Transaction) -> Result<()> {
    let sql = Sql::new("update meta set value = value where key = 'epoch' returning value");
    tx.select::<(String,)>(sql).await.map(drop)
}
