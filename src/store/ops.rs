//! What op_ids did: the first reply of each, so that a repeat has no second effect.

use super::bind::Kind::{Id, Int, Text};
use super::link::Dialect;
use super::statement::{Batch, Sql, Statement, statement, statement_of};
use super::transaction::RowType;
use super::{Result, Transaction};
use foldhash::HashMap;
use std::sync::Arc;
use taskwire_protocol::{OpId, UserId};
use uuid::Uuid;

/// What an op_id did.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// Of the request.
    pub hash: i64,
    /// The inside of the first `ok`.
    pub reply: Arc<str>,
}

pub(super) static FIND: Statement = statement(
    &[("op_id", Id), ("user_id", Id)],
    "select o.op_id, o.user_id, o.hash, o.reply from v cross join ops o
     where o.op_id = v.op_id and o.user_id = v.user_id and {rows}",
);

static INSERT: Statement = statement_of(
    RowType::Op,
    &[
        ("op_id", Id),
        ("user_id", Id),
        ("hash", Int),
        ("reply", Text),
        ("at", Int),
    ],
    "insert into ops (op_id, user_id, hash, reply, at) select op_id, user_id, hash, reply, at from v where {rows}",
);

/// A row of what an `op_id` did.
pub(super) type Found = (Uuid, Uuid, i64, String);

/// What to ask for.
pub(super) fn to_find(keys: impl IntoIterator<Item = (UserId, OpId)>) -> Batch {
    Batch::of(keys.into_iter().map(|(user, op)| [op.0.into(), user.0.into()]))
}

/// What was found.
pub(super) fn found(rows: Vec<Found>) -> HashMap<(UserId, OpId), Remembered> {
    let read = |(op, user, hash, reply): Found| {
        let reply = reply.into();
        ((UserId(user), OpId(op)), Remembered { hash, reply })
    };
    rows.into_iter().map(read).collect()
}

/// Remembers what these did.
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

/// Forgets up to `limit` that are older than `before`. SQLite has them in the order in which they came, and no index by
/// age.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    if tx.dialect()? == Dialect::Postgres {
        let mut sql =
            Sql::new("delete from ops where (op_id, user_id) in (select op_id, user_id from ops where at < ");
        sql.bind(before)
            .push(" order by at limit ")
            .bind(limit)
            .push(") returning at");
        return Ok(tx.select::<(i64,)>(sql).await?.len() as u64);
    }
    let mut oldest = Sql::new("select number, at from ops order by number limit ");
    oldest.bind(limit);
    let Some((old, last)) = tx.expired(oldest, before).await? else {
        return Ok(0);
    };
    let mut sql = Sql::new("delete from ops where number <= ");
    sql.bind(last);
    tx.select::<()>(sql).await?;
    Ok(old)
}
