//! Sessions: one sign-in on one device, and the hash of its refresh token.

use super::bind::{
    Cell,
    Kind::{Id, Int, Text},
};
use super::entity::{Changes, Keyed};
use super::statement::{Batch, Sql, Statement, statement};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{SessionId, Timestamp, UserId};
use uuid::Uuid;

/// A session as the server knows it.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// The session.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// The program.
    pub client: Option<String>,
    /// Where it signed in from.
    pub address: Option<String>,
    /// SHA-256 of the refresh token, in hexadecimal.
    pub refresh_hash: String,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last got a token.
    pub last_seen_at: Timestamp,
    /// When its refresh token ends.
    pub expires_at: Timestamp,
    /// When it ended.
    pub revoked_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    device_name: Option<String>,
    client: Option<String>,
    address: Option<String>,
    refresh_hash: String,
    created_at: i64,
    last_seen_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
}

impl From<SessionRow> for SessionRecord {
    fn from(row: SessionRow) -> SessionRecord {
        SessionRecord {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            device_name: row.device_name,
            client: row.client,
            address: row.address,
            refresh_hash: row.refresh_hash,
            created_at: Timestamp(row.created_at),
            last_seen_at: Timestamp(row.last_seen_at),
            expires_at: Timestamp(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp),
        }
    }
}

#[derive(sqlx::FromRow)]
struct SessionAndHead {
    #[sqlx(flatten)]
    session: SessionRow,
    head: i64,
}

const COLUMNS: &str = "id, user_id, device_name, client, address, refresh_hash, created_at, last_seen_at, expires_at, revoked_at";

/// The session with this id, and how far its user's stream had come at that moment.
pub async fn find_with_head(reader: &mut Reader, id: SessionId) -> Result<Option<(SessionRecord, i64)>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS}, coalesce((select s.seq from streams s where s.id = sessions.user_id), 0) as head
         from sessions where id = "
    ));
    sql.bind(id.0);
    let found = reader.find::<SessionAndHead>(sql).await?;
    Ok(found.map(|row| (row.session.into(), row.head)))
}

pub(super) static FIND: Statement = statement(
    &[("id", Id)],
    "select s.id, s.user_id, s.device_name, s.client, s.address, s.refresh_hash, s.created_at, s.last_seen_at,
       s.expires_at, s.revoked_at
     from v cross join sessions s where s.id = v.id and {rows}",
);

/// The sessions with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = SessionId>,
) -> Result<Vec<SessionRecord>> {
    let rows = ids.into_iter().map(|id| [id.0.into()]);
    Ok(tx
        .fetch::<SessionRow>(&FIND, Batch::of(rows))
        .await?
        .into_iter()
        .map(SessionRecord::from)
        .collect())
}

/// The sessions of a user that have not ended.
pub async fn load_living(tx: &mut Transaction, user: UserId) -> Result<Vec<SessionRecord>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from sessions where revoked_at is null and user_id = "
    ));
    sql.bind(user.0).push(" order by id");
    let rows = tx.select::<SessionRow>(sql).await?;
    Ok(rows.into_iter().map(SessionRecord::from).collect())
}

static UPSERT: Statement = statement(
    &[
        ("id", Id),
        ("user_id", Id),
        ("device_name", Text),
        ("client", Text),
        ("address", Text),
        ("refresh_hash", Text),
        ("created_at", Int),
        ("last_seen_at", Int),
        ("expires_at", Int),
        ("revoked_at", Int),
    ],
    "insert into sessions (id, user_id, device_name, client, address, refresh_hash, created_at, last_seen_at,
       expires_at, revoked_at)
     select id, user_id, device_name, client, address, refresh_hash, created_at, last_seen_at, expires_at, revoked_at
     from v where {rows}
     on conflict (id) do update set refresh_hash = excluded.refresh_hash, last_seen_at = excluded.last_seen_at,
       expires_at = excluded.expires_at, revoked_at = excluded.revoked_at",
);

impl Keyed<SessionId, SessionRecord> for SessionRecord {
    fn keyed(self) -> (SessionId, SessionRecord) {
        (self.id, self)
    }
}

/// Writes the sessions that a group made or changed. Retention deletes them ([`forget`]).
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, SessionId, SessionRecord>,
) -> Result<()> {
    changes.keep_all("sessions")?;
    let text = |text: &Option<String>| Cell::Text(text.as_deref().map(Into::into));
    let rows = changes.written().map(|(_, session)| {
        [
            session.id.0.into(),
            session.user.0.into(),
            text(&session.device_name),
            text(&session.client),
            text(&session.address),
            session.refresh_hash.clone().into(),
            session.created_at.0.into(),
            session.last_seen_at.0.into(),
            session.expires_at.0.into(),
            Cell::Int(session.revoked_at.map(|at| at.0)),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

/// Forgets up to `limit` that ended before `before`.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new("delete from sessions where id in (select id from sessions where expires_at < ");
    sql.bind(before)
        .push(" order by expires_at limit ")
        .bind(limit)
        .push(") returning created_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}
