//! Leases: who does for all instances what one must do. The database's own clock says when one ends, for the instances'
//! clocks differ.

use super::link::Dialect;
use super::statement::Sql;
use super::{Result, Transaction};

/// Milliseconds since 1970 by the database's clock, as it runs within the transaction.
fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "cast(unixepoch('subsec') * 1000 as bigint)",
        Dialect::Postgres => "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
    }
}

/// Takes a lease, or renews it, for `term_ms` from now. Whether `holder` has it.
pub async fn take(tx: &mut Transaction, name: &str, holder: &str, term_ms: i64) -> Result<bool> {
    let now = now(tx.dialect()?);
    let mut sql = Sql::new("insert into leases (name, holder, until) values (");
    sql.bind(name).push(", ").bind(holder);
    sql.push(&format!(", {now} + ")).bind(term_ms);
    sql.push(") on conflict (name) do update set holder = excluded.holder, until = excluded.until");
    sql.push(&format!(
        " where leases.holder = excluded.holder or leases.until <= {now} returning name"
    ));
    Ok(!tx.select::<(String,)>(sql).await?.is_empty())
}

/// Gives back every lease of `holder`; how many there were.
pub async fn release(tx: &mut Transaction, holder: &str) -> Result<u64> {
    let mut sql = Sql::new("delete from leases where holder = ");
    sql.bind(holder).push(" returning name");
    Ok(tx.select::<(String,)>(sql).await?.len() as u64)
}
