//! Sessions: one sign-in on one device, and its family of refresh tokens. Each token is replaced when it is used; the
//! hashes of the newest one and of the one before it are stored.

use super::bind::{
    Cell,
    Kind::{Id, Int},
};
use super::entity::{Changes, Keyed};
use super::link::Dialect;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{SessionId, Timestamp, UserId};
use uuid::Uuid;

/// A session as the server knows it.
#[derive(Clone, Debug)]
pub struct SessionRecord {
    /// The session's id.
    pub id: SessionId,
    /// The user who signed in.
    pub user: UserId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// The client program.
    pub client: Option<String>,
    /// The client's address at the sign-in.
    pub address: Option<String>,
    /// The refresh tokens.
    pub family: Family,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the session was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When the refresh token expires, and the session with it.
    pub expires_at: Timestamp,
    /// When the session was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When the session ends, however much it is used. `None` in rows of older versions.
    pub ends_at: Option<Timestamp>,
}

/// What is known of a session's refresh tokens.
#[derive(Clone)]
pub struct Family {
    /// SHA-256 of the newest token, in hexadecimal.
    pub newest: String,
    /// The token before the newest one; `None` as long as there is only one.
    pub parent: Option<Parent>,
}

/// A token that was replaced by the newest one.
#[derive(Clone)]
pub struct Parent {
    /// SHA-256 of the token, in hexadecimal.
    pub hash: String,
    /// When it was replaced.
    pub rotated_at: Timestamp,
    /// The newest token, sealed for the holder of this one. Retention clears it.
    pub successor: Option<String>,
}

/// Without the hashes.
impl std::fmt::Debug for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rotated_at = self.parent.as_ref().map(|parent| parent.rotated_at);
        f.debug_struct("Family")
            .field("rotated_at", &rotated_at)
            .finish_non_exhaustive()
    }
}

table! {
    /// A session's row.
    struct SessionRow {
        id: Uuid = fixed,
        user_id: Uuid = fixed,
        device_name: Option<String> = fixed,
        client: Option<String> = fixed,
        address: Option<String> = fixed,
        refresh_hash: String,
        created_at: i64 = fixed,
        last_seen_at: i64,
        expires_at: i64,
        revoked_at: Option<i64>,
        parent_hash: Option<String>,
        rotated_at: Option<i64>,
        successor: Option<String>,
        ends_at: Option<i64> = fixed,
    }
}

impl Stored for SessionRow {
    type Value = SessionRecord;

    fn read(self) -> Result<SessionRecord> {
        let row = self;
        let parent = match (row.parent_hash, row.rotated_at) {
            (Some(hash), Some(rotated_at)) => Some(Parent {
                hash,
                rotated_at: Timestamp(rotated_at),
                successor: row.successor,
            }),
            _ => None,
        };
        Ok(SessionRecord {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            device_name: row.device_name,
            client: row.client,
            address: row.address,
            family: Family {
                newest: row.refresh_hash,
                parent,
            },
            created_at: Timestamp(row.created_at),
            last_seen_at: Timestamp(row.last_seen_at),
            expires_at: Timestamp(row.expires_at),
            revoked_at: row.revoked_at.map(Timestamp),
            ends_at: row.ends_at.map(Timestamp),
        })
    }
}

#[derive(sqlx::FromRow)]
struct SessionAndHead {
    #[sqlx(flatten)]
    session: SessionRow,
    head: i64,
}

const COLUMNS: &str = text![Part::Each("$", SessionRow::TABLE.read)];

/// The session with this id, and the head of its user's stream at the same moment.
pub async fn find_with_head(reader: &mut Reader, id: SessionId) -> Result<Option<(SessionRecord, i64)>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS}, coalesce((select s.seq from streams s where s.id = sessions.user_id), 0) as head
         from sessions where id = "
    ));
    sql.bind(id.0);
    let found = reader.find::<SessionAndHead>(sql).await?;
    found.map(|row| Ok((row.session.read()?, row.head))).transpose()
}

/// Whose session this is. An API token is a session of its own, with its id.
pub async fn find_owner(reader: &mut Reader, id: SessionId) -> Result<Option<UserId>> {
    let mut sql = Sql::new("select user_id from sessions where id = ");
    sql.bind(id.0);
    sql.push(" union all select user_id from api_tokens where id = ")
        .bind(id.0);
    Ok(reader.scalar::<Uuid>(sql).await?.map(UserId))
}

/// The sessions of a user that have not ended, for a statement that goes on behind the condition.
fn living(user: UserId) -> Sql {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from sessions where revoked_at is null and user_id = "
    ));
    sql.bind(user.0);
    sql
}

/// The newest sessions of a user that have neither ended nor expired at `now`: at most `limit`, newest first.
pub async fn list_living(
    reader: &mut Reader,
    user: UserId,
    now: i64,
    limit: i64,
) -> Result<Vec<SessionRecord>> {
    let mut sql = living(user);
    sql.push(" and expires_at > ").bind(now);
    sql.push(" order by id desc").limit(limit);
    reader.list::<SessionRow>(sql).await
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("s.$", SessionRow::TABLE.read),
        Part::Plain(" from v cross join sessions s where s.id = v.id and {rows}"),
    ],
);

/// The sessions with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = SessionId>,
) -> Result<Vec<SessionRecord>> {
    tx.load::<SessionRow>(&LOAD, Batch::ids(ids)).await
}

/// The sessions of a user that have not ended.
pub async fn load_living(tx: &mut Transaction, user: UserId) -> Result<Vec<SessionRecord>> {
    let mut sql = living(user);
    sql.push(" order by id");
    tx.list::<SessionRow>(sql).await
}

/// How many sessions of a user have not ended; `most` if there are more.
pub async fn count_living(tx: &mut Transaction, user: UserId, most: i64) -> Result<i64> {
    let mut sql =
        Sql::new("select count(*) from (select id from sessions where revoked_at is null and user_id = ");
    sql.bind(user.0).limit(most).push(") living");
    let found: Vec<(i64,)> = tx.select(sql).await?;
    Ok(found.first().map_or(0, |(living,)| *living))
}

/// Some sessions of a user that have not ended: first those that expired before `now`, then those unused for the longest time.
pub async fn load_least_used(
    tx: &mut Transaction,
    user: UserId,
    now: i64,
    limit: i64,
) -> Result<Vec<SessionRecord>> {
    let mut sql = living(user);
    sql.push(" order by (expires_at > ").bind(now);
    sql.push("), last_seen_at, id").limit(limit);
    tx.list::<SessionRow>(sql).await
}

static UPSERT: Statement = statement(
    SessionRow::TABLE.written,
    upsert!("sessions", "id", SessionRow::TABLE),
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
        let parent = session.family.parent.as_ref();
        [
            session.id.0.into(),
            session.user.0.into(),
            text(&session.device_name),
            text(&session.client),
            text(&session.address),
            session.family.newest.clone().into(),
            session.created_at.0.into(),
            session.last_seen_at.0.into(),
            session.expires_at.0.into(),
            Cell::Int(session.revoked_at.map(|at| at.0)),
            Cell::Text(parent.map(|parent| parent.hash.as_str().into())),
            Cell::Int(parent.map(|parent| parent.rotated_at.0)),
            Cell::Text(parent.and_then(|parent| parent.successor.as_deref().map(Into::into))),
            Cell::Int(session.ends_at.map(|at| at.0)),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

static SEEN: Statement = statement(
    &[("id", Id), ("at", Int), ("before", Int)],
    "update sessions set last_seen_at = (select max(at) from v) where id in
       (select s.id from v cross join sessions s where s.id = v.id and {rows}
          and s.revoked_at is null and s.last_seen_at <= v.before{postgres: for no key update of s skip locked})",
);

/// Writes that sessions were used, unless that was written less than `every_ms` earlier. All get the time of the latest use.
/// A row that a group is writing is left out, because nobody may wait for a chore.
pub async fn mark_seen(tx: &mut Transaction, uses: &[(SessionId, Timestamp)], every_ms: i64) -> Result<()> {
    let rows = uses
        .iter()
        .map(|(id, at)| [id.0.into(), at.0.into(), at.0.saturating_sub(every_ms).into()]);
    tx.execute(&SEEN, Batch::of(rows)).await
}

/// Deletes up to `limit` sessions that expired before `before`.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new("delete from sessions where id in (select id from sessions where expires_at < ");
    sql.bind(before)
        .push(" order by expires_at limit ")
        .bind(limit)
        .push(") returning created_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}

/// Clears up to `limit` sealed successors of tokens that were replaced before `before`.
pub async fn clear_successors(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new(
        "update sessions set successor = null where id in
           (select id from sessions where successor is not null and rotated_at < ",
    );
    sql.bind(before).push(" order by rotated_at").limit(limit);
    if tx.dialect()? == Dialect::Postgres {
        sql.push(" for no key update skip locked"); // a group that writes sessions waits for nobody who waits for it
    }
    sql.push(") returning created_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}
