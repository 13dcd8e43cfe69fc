//! What op_ids did: the first reply of each, so that a repeated request has no second effect.

use super::bind::Kind::Id;
use super::link::Dialect;
use super::sql::Sql;
use super::statement::{Batch, RowType, Statement, statement, statement_of};
use super::table::{Part, insert, table, text};
use super::{Reader, Result, Transaction};
use foldhash::HashMap;
use std::sync::Arc;
use taskwire_protocol::{OpId, UserId};
use uuid::Uuid;

/// What an op_id did.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// The hash of the request.
    pub hash: i64,
    /// The members of the first `ok` frame after its id: `"at":{…},"data":{…}`.
    pub reply: Arc<str>,
}

table! {
    /// What an op_id did.
    pub(super) struct OpRow {
        op_id: Uuid,
        user_id: Uuid,
        hash: i64,
        reply: String,
    }
    written {
        at: i64,
    }
}

pub(super) static FIND: Statement = statement(
    &[("op_id", Id), ("user_id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("o.$", OpRow::TABLE.read),
        Part::Plain(" from v cross join ops o where o.op_id = v.op_id and o.user_id = v.user_id and {rows}"),
    ],
);

static INSERT: Statement = statement_of(RowType::Op, OpRow::TABLE.written, insert!("ops", OpRow::TABLE));

/// The batch with which [`FIND`] looks op_ids up.
pub(super) fn to_find(keys: impl IntoIterator<Item = (UserId, OpId)>) -> Batch {
    Batch::of(keys.into_iter().map(|(user, op)| [op.0.into(), user.0.into()]))
}

/// The op_ids that were found.
pub(super) fn found(rows: Vec<OpRow>) -> HashMap<(UserId, OpId), Remembered> {
    let read = |row: OpRow| {
        let (hash, reply) = (row.hash, row.reply.into());
        ((UserId(row.user_id), OpId(row.op_id)), Remembered { hash, reply })
    };
    rows.into_iter().map(read).collect()
}

/// Whether an op_id of a user did something.
pub async fn is_known(reader: &mut Reader, user: UserId, op_id: OpId) -> Result<bool> {
    let mut sql = Sql::new("select hash from ops where op_id = ");
    sql.bind(op_id.0).push(" and user_id = ").bind(user.0);
    Ok(!reader.fetch::<(i64,)>(sql).await?.is_empty())
}

/// Stores what op_ids did.
pub async fn insert(tx: &mut Transaction, done: &[((UserId, OpId), Remembered)], at: i64) -> Result<()> {
    let rows = done.iter().map(|((user, op), remembered)| {
        [
            op.0.into(),
            user.0.into(),
            remembered.hash.into(),
            remembered.reply.clone().into(),
            at.into(),
        ]
    });
    tx.execute(&INSERT, Batch::of(rows)).await
}

/// Deletes up to `limit` rows that are older than `before`. SQLite keeps rows in the order of their arrival and has no
/// index by age.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    if tx.dialect()? == Dialect::Postgres {
        let mut sql =
            Sql::new("delete from ops where (op_id, user_id) in (select op_id, user_id from ops where at < ");
        sql.bind(before).push(" order by at").limit(limit);
        sql.push(") returning at");
        return Ok(tx.select::<(i64,)>(sql).await?.len() as u64);
    }
    let mut oldest = Sql::new("select number, at from ops order by number");
    oldest.limit(limit);
    let Some((old, last)) = tx.expired(oldest, before).await? else {
        return Ok(0);
    };
    let mut sql = Sql::new("delete from ops where number <= ");
    sql.bind(last);
    tx.select::<()>(sql).await?;
    Ok(old)
}
