//! The instances that share a database, and whose sockets they were told to close.

use super::bind::{
    Cell,
    Kind::{Id, Int, Text},
};
use super::statement::{Batch, Sql, Statement, statement};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{InstanceId, SessionId, Timestamp, UserId};
use uuid::Uuid;

/// An instance, as it last said itself.
#[derive(Clone, Debug)]
pub struct InstanceRecord {
    /// Another one each time it starts.
    pub id: InstanceId,
    /// The setting `instance`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said that it lives.
    pub seen_at: Timestamp,
    /// Its sockets then.
    pub sockets: i64,
}

/// Whose sockets every instance is to close.
#[derive(Clone, Copy, Debug)]
pub struct KickRecord {
    /// What each instance remembers having done.
    pub id: Uuid,
    /// A person's.
    pub user: Option<UserId>,
    /// A session's.
    pub session: Option<SessionId>,
}

static BEAT: Statement = statement(
    &[
        ("id", Id),
        ("name", Text),
        ("version", Text),
        ("started_at", Int),
        ("seen_at", Int),
        ("sockets", Int),
    ],
    "insert into instances (id, name, version, started_at, seen_at, sockets)
     select id, name, version, started_at, seen_at, sockets from v where {rows}
     on conflict (id) do update set seen_at = excluded.seen_at, sockets = excluded.sockets",
);

/// An instance lives.
pub async fn beat(tx: &mut Transaction, instance: &InstanceRecord) -> Result<()> {
    let row = [
        instance.id.0.into(),
        instance.name.as_str().into(),
        instance.version.as_str().into(),
        instance.started_at.0.into(),
        instance.seen_at.0.into(),
        instance.sockets.into(),
    ];
    tx.execute(&BEAT, Batch::of([row])).await
}

/// Up to `limit` instances that were seen after `after`.
pub async fn list(reader: &mut Reader, after: i64, limit: i64) -> Result<Vec<InstanceRecord>> {
    let mut sql =
        Sql::new("select id, name, version, started_at, seen_at, sockets from instances where seen_at > ");
    sql.bind(after).push(" order by id limit ").bind(limit);
    let rows: Vec<(Uuid, String, String, i64, i64, i64)> = reader.fetch(sql).await?;
    Ok(rows
        .into_iter()
        .map(
            |(id, name, version, started_at, seen_at, sockets)| InstanceRecord {
                id: InstanceId(id),
                name,
                version,
                started_at: Timestamp(started_at),
                seen_at: Timestamp(seen_at),
                sockets,
            },
        )
        .collect())
}

/// Forgets an instance that ended.
pub async fn leave(tx: &mut Transaction, id: InstanceId) -> Result<()> {
    let mut sql = Sql::new("delete from instances where id = ");
    sql.bind(id.0).push(" returning seen_at");
    tx.select::<(i64,)>(sql).await.map(drop)
}

/// Forgets instances that were not seen, and orders that were given, up to `before`.
pub async fn forget(tx: &mut Transaction, before: i64) -> Result<()> {
    let mut sql = Sql::new("delete from instances where seen_at <= ");
    sql.bind(before).push(" returning seen_at");
    tx.select::<(i64,)>(sql).await?;
    let mut sql = Sql::new("delete from kicks where at <= ");
    sql.bind(before).push(" returning at");
    tx.select::<(i64,)>(sql).await.map(drop)
}

static KICK: Statement = statement(
    &[("id", Id), ("user_id", Id), ("session_id", Id), ("at", Int)],
    "insert into kicks (id, user_id, session_id, at) select id, user_id, session_id, at from v where {rows}",
);

/// Every instance is to close these sockets.
pub async fn kick(tx: &mut Transaction, kick: KickRecord, at: i64) -> Result<()> {
    let row = [
        kick.id.into(),
        Cell::Id(kick.user.map(|id| id.0)),
        Cell::Id(kick.session.map(|id| id.0)),
        at.into(),
    ];
    tx.execute(&KICK, Batch::of([row])).await
}

/// The newest `limit` orders that are kept.
pub async fn kicks(reader: &mut Reader, limit: i64) -> Result<Vec<KickRecord>> {
    let mut sql = Sql::new("select id, user_id, session_id from kicks order by at desc, id limit ");
    sql.bind(limit);
    let rows: Vec<(Uuid, Option<Uuid>, Option<Uuid>)> = reader.fetch(sql).await?;
    Ok(rows
        .into_iter()
        .map(|(id, user, session)| KickRecord {
            id,
            user: user.map(UserId),
            session: session.map(SessionId),
        })
        .collect())
}
