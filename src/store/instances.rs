//! The instances that share a database, and the orders to close sockets that they all follow.

use super::bind::Cell;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, insert, table, text, upsert};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{InstanceId, SessionId, Timestamp, UserId};
use uuid::Uuid;

/// An instance, as it last reported itself.
#[derive(Clone, Debug)]
pub struct InstanceRecord {
    /// A new one at each start.
    pub id: InstanceId,
    /// The setting `instance`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last reported.
    pub seen_at: Timestamp,
    /// How many sockets it had then.
    pub sockets: i64,
}

/// An order to close the sockets of a user or of a session.
#[derive(Clone, Copy, Debug)]
pub struct KickRecord {
    /// Identifies the order, so that each instance carries it out once.
    pub id: Uuid,
    /// The user whose sockets to close.
    pub user: Option<UserId>,
    /// The session whose sockets to close.
    pub session: Option<SessionId>,
}

table! {
    /// An instance's row.
    struct InstanceRow {
        id: Uuid = fixed,
        name: String = fixed,
        version: String = fixed,
        started_at: i64 = fixed,
        seen_at: i64,
        sockets: i64,
    }
}

impl Stored for InstanceRow {
    type Value = InstanceRecord;

    fn read(self) -> Result<InstanceRecord> {
        Ok(InstanceRecord {
            id: InstanceId(self.id),
            name: self.name,
            version: self.version,
            started_at: Timestamp(self.started_at),
            seen_at: Timestamp(self.seen_at),
            sockets: self.sockets,
        })
    }
}

static BEAT: Statement = statement(
    InstanceRow::TABLE.written,
    upsert!("instances", "id", InstanceRow::TABLE),
);

/// Writes an instance's heartbeat.
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

/// Up to `limit` instances that reported after `after`.
pub async fn list(reader: &mut Reader, after: i64, limit: i64) -> Result<Vec<InstanceRecord>> {
    let mut sql = Sql::new(text![
        Part::Plain("select "),
        Part::Each("$", InstanceRow::TABLE.read),
        Part::Plain(" from instances where seen_at > "),
    ]);
    sql.bind(after).page("id", None, limit);
    reader.list::<InstanceRow>(sql).await
}

/// Deletes the row of an instance that ends.
pub async fn leave(tx: &mut Transaction, id: InstanceId) -> Result<()> {
    let mut sql = Sql::new("delete from instances where id = ");
    sql.bind(id.0).push(" returning seen_at");
    tx.select::<(i64,)>(sql).await.map(drop)
}

/// Deletes instances whose last heartbeat is not after `before`, and orders that were not given after it.
pub async fn forget(tx: &mut Transaction, before: i64) -> Result<()> {
    let mut sql = Sql::new("delete from instances where seen_at <= ");
    sql.bind(before).push(" returning seen_at");
    tx.select::<(i64,)>(sql).await?;
    let mut sql = Sql::new("delete from kicks where at <= ");
    sql.bind(before).push(" returning at");
    tx.select::<(i64,)>(sql).await.map(drop)
}

table! {
    /// A kick's row.
    struct KickRow {
        id: Uuid,
        user_id: Option<Uuid>,
        session_id: Option<Uuid>,
    }
    written {
        at: i64,
    }
}

impl Stored for KickRow {
    type Value = KickRecord;

    fn read(self) -> Result<KickRecord> {
        Ok(KickRecord {
            id: self.id,
            user: self.user_id.map(UserId),
            session: self.session_id.map(SessionId),
        })
    }
}

static KICK: Statement = statement(KickRow::TABLE.written, insert!("kicks", KickRow::TABLE));

/// Orders every instance to close sockets.
pub async fn kick(tx: &mut Transaction, kick: KickRecord, at: i64) -> Result<()> {
    let row = [
        kick.id.into(),
        Cell::Id(kick.user.map(|id| id.0)),
        Cell::Id(kick.session.map(|id| id.0)),
        at.into(),
    ];
    tx.execute(&KICK, Batch::of([row])).await
}

/// The newest `limit` orders.
pub async fn kicks(reader: &mut Reader, limit: i64) -> Result<Vec<KickRecord>> {
    let mut sql = Sql::new(text![
        Part::Plain("select "),
        Part::Each("$", KickRow::TABLE.read),
        Part::Plain(" from kicks order by at desc, id"),
    ]);
    sql.limit(limit);
    reader.list::<KickRow>(sql).await
}
