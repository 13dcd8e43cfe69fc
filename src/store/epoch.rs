//! The epoch of the logs: positions are valid within one epoch. It consists of the stored value and, on PostgreSQL, of the
//! server's timeline. A standby that takes over, or a server that was restored to an earlier moment, may lack the end of the
//! logs, and starts another timeline. An instance runs in the epoch in which it opened the database.

use super::link::Link;
use super::sql::Sql;
use super::{Result, StoreError, Transaction};

const SQLITE: &str = "select value from meta where key = 'epoch'";

/// The name of the file that a server writes its log to begins with its timeline. The control file would be late: it has the
/// timeline of the last checkpoint, and the first checkpoint after a takeover may end minutes later. A standby writes no log.
const POSTGRES: &str = "select value || '.'
    || cast(cast('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as bit(32)) as int)
    from meta where key = 'epoch' and not pg_is_in_recovery()";

/// Starts another epoch.
pub async fn replace(tx: &mut Transaction, epoch: &str) -> Result<()> {
    let mut sql = Sql::new("update meta set value = ");
    sql.bind(epoch).push(" where key = 'epoch' returning value");
    tx.select::<(String,)>(sql).await.map(drop)
}

/// The epoch of a connection's database.
pub(super) async fn current(link: Link<'_>) -> Result<String> {
    let text = match link {
        Link::Sqlite(_) => SQLITE,
        Link::Postgres(_) => POSTGRES,
    };
    let found: Vec<(String,)> = link.fetch(text.into(), &[]).await?;
    let epoch = found.into_iter().next().map(|(epoch,)| epoch);
    epoch.ok_or_else(|| StoreError::unavailable("the database has no epoch, because its server is a standby"))
}
