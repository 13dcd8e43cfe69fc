//! The epoch of the logs: positions are valid within one. It is what is stored, and on PostgreSQL the timeline of the server:
//! a standby that takes over, or a server that was put back to an earlier moment, may lack the end of the logs, and begins
//! another timeline. Which epoch an instance runs in is decided when it opens the database.

use super::link::Link;
use super::statement::Sql;
use super::{Result, StoreError, Transaction};

const SQLITE: &str = "select value from meta where key = 'epoch'";

/// The name of the file that a server writes its log to begins with its timeline. Not what its control file says: that is of
/// the last checkpoint, and the first one after a standby took over may end minutes later. A standby writes none.
const POSTGRES: &str = "select value || '.'
    || cast(cast('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as bit(32)) as int)
    from meta where key = 'epoch' and not pg_is_in_recovery()";

/// Begins another one.
pub async fn replace(tx: &mut Transaction, epoch: &str) -> Result<()> {
    let mut sql = Sql::new("update meta set value = ");
    sql.bind(epoch).push(" where key = 'epoch' returning value");
    tx.select::<(String,)>(sql).await.map(drop)
}

/// That of the database to which a connection leads.
pub(super) async fn current(link: Link<'_>) -> Result<String> {
    let text = match link {
        Link::Sqlite(_) => SQLITE,
        Link::Postgres(_) => POSTGRES,
    };
    let found: Vec<(String,)> = link.fetch(text.into(), &[]).await?;
    let epoch = found.into_iter().next().map(|(epoch,)| epoch);
    epoch.ok_or_else(|| StoreError::unavailable("the database has no epoch: its server is a standby"))
}
