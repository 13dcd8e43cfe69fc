//! API tokens: their hashes, what each may do, and when it was last used. A group makes and deletes rows, and never
//! changes one; [`touch`] alone writes `last_used_at`.

use super::bind::{Cell, Kind::Id};
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, insert, table, text};
use super::{Reader, Result, Transaction};
use std::sync::Arc;
use taskwire_protocol::account::ApiTokenScope;
use taskwire_protocol::{ApiTokenId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// An API token as the server knows it.
#[derive(Clone, Debug)]
pub struct ApiTokenRecord {
    /// The token's id.
    pub id: ApiTokenId,
    /// The user for whom it acts.
    pub user: UserId,
    /// Its name.
    pub name: Arc<str>,
    /// SHA-256 of the token, in hexadecimal.
    pub hash: Arc<str>,
    /// What it may do.
    pub scope: ApiTokenScope,
    /// The workspaces that it sees, sorted; `None` for all of the user's.
    pub workspaces: Option<Arc<[WorkspaceId]>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
}

table! {
    /// An API token's row.
    struct ApiTokenRow {
        id: Uuid = fixed,
        user_id: Uuid = fixed,
        name: String = fixed,
        hash: String = fixed,
        scope: i64 = fixed,
        workspaces: Option<String> = fixed,
        created_at: i64 = fixed,
        expires_at: Option<i64> = fixed,
        last_used_at: Option<i64>,
    }
}

impl Stored for ApiTokenRow {
    type Value = ApiTokenRecord;

    fn read(self) -> Result<ApiTokenRecord> {
        let row = self;
        let workspaces: Option<Vec<WorkspaceId>> = row
            .workspaces
            .map(|list| serde_json::from_str(&list))
            .transpose()?;
        Ok(ApiTokenRecord {
            id: ApiTokenId(row.id),
            user: UserId(row.user_id),
            name: row.name.into(),
            hash: row.hash.into(),
            // a value of a newer version may do the least
            scope: if row.scope == 1 {
                ApiTokenScope::Write
            } else {
                ApiTokenScope::Read
            },
            workspaces: workspaces.map(Into::into),
            created_at: Timestamp(row.created_at),
            expires_at: row.expires_at.map(Timestamp),
            last_used_at: row.last_used_at.map(Timestamp),
        })
    }
}

#[derive(sqlx::FromRow)]
struct ApiTokenAndHead {
    #[sqlx(flatten)]
    token: ApiTokenRow,
    head: i64,
}

const COLUMNS: &str = text![Part::Each("$", ApiTokenRow::TABLE.read)];

/// The token with this hash, and the head of its user's stream at the same moment.
pub async fn find_with_head(reader: &mut Reader, hash: &str) -> Result<Option<(ApiTokenRecord, i64)>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS}, coalesce((select s.seq from streams s where s.id = api_tokens.user_id), 0) as head
         from api_tokens where hash = "
    ));
    sql.bind(hash);
    let found = reader.find::<ApiTokenAndHead>(sql).await?;
    found.map(|row| Ok((row.token.read()?, row.head))).transpose()
}

/// The tokens of a user, oldest first.
pub async fn list(reader: &mut Reader, user: UserId) -> Result<Vec<ApiTokenRecord>> {
    reader.list::<ApiTokenRow>(of_user(user)).await
}

/// Whose a token is, and not what it may do.
pub struct UsedToken {
    /// The token's id.
    pub id: ApiTokenId,
    /// Its user.
    pub user: UserId,
    /// SHA-256 of the token, in hexadecimal.
    pub hash: Arc<str>,
    /// From when on it is refused; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// Up to `limit` tokens that were used at `since` or later, the latest first.
pub async fn list_used_since(reader: &mut Reader, since: Timestamp, limit: i64) -> Result<Vec<UsedToken>> {
    let mut sql = Sql::new("select id, user_id, hash, expires_at from api_tokens where last_used_at >= ");
    sql.bind(since.0)
        .push(" order by last_used_at desc limit ")
        .bind(limit);
    let found = reader.fetch::<(Uuid, Uuid, String, Option<i64>)>(sql).await?;
    let used = found.into_iter().map(|(id, user, hash, expires_at)| UsedToken {
        id: ApiTokenId(id),
        user: UserId(user),
        hash: hash.into(),
        expires_at: expires_at.map(Timestamp),
    });
    Ok(used.collect())
}

/// The tokens of a user, for a group.
pub async fn load_of(tx: &mut Transaction, user: UserId) -> Result<Vec<ApiTokenRecord>> {
    tx.list::<ApiTokenRow>(of_user(user)).await
}

fn of_user(user: UserId) -> Sql {
    let mut sql = Sql::new(&format!("select {COLUMNS} from api_tokens where user_id = "));
    sql.bind(user.0).push(" order by id");
    sql
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("t.$", ApiTokenRow::TABLE.read),
        Part::Plain(" from v cross join api_tokens t where t.id = v.id and {rows}"),
    ],
);

/// The tokens with these ids.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = ApiTokenId>,
) -> Result<Vec<ApiTokenRecord>> {
    tx.load::<ApiTokenRow>(&LOAD, Batch::ids(ids)).await
}

static INSERT: Statement = statement(
    ApiTokenRow::TABLE.written,
    insert!("api_tokens", ApiTokenRow::TABLE),
);

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from api_tokens where id in (select id from v where {rows})",
);

impl Keyed<ApiTokenId, ApiTokenRecord> for ApiTokenRecord {
    fn keyed(self) -> (ApiTokenId, ApiTokenRecord) {
        (self.id, self)
    }
}

/// Writes the tokens that a group made, and deletes those that it revoked.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, ApiTokenId, ApiTokenRecord>,
) -> Result<()> {
    let mut rows = Vec::new();
    for (_, token) in changes.written() {
        let workspaces = token.workspaces.as_ref().map(serde_json::to_string).transpose()?;
        rows.push([
            token.id.0.into(),
            token.user.0.into(),
            token.name.clone().into(),
            token.hash.clone().into(),
            i64::from(token.scope == ApiTokenScope::Write).into(),
            Cell::Text(workspaces.map(Into::into)),
            token.created_at.0.into(),
            Cell::Int(token.expires_at.map(|at| at.0)),
            Cell::Int(token.last_used_at.map(|at| at.0)),
        ]);
    }
    tx.execute(&INSERT, Batch::of(rows)).await?;
    tx.execute(&DELETE, Batch::ids(changes.removed())).await
}

/// Notes that these tokens were used at this time.
pub async fn touch(tx: &mut Transaction, ids: &[ApiTokenId], at: Timestamp) -> Result<()> {
    let mut sql = Sql::new("update api_tokens set last_used_at = ");
    sql.bind(at.0)
        .push(" where (last_used_at is null or last_used_at < ")
        .bind(at.0)
        .push(")")
        .among("id", Some(ids))
        .push(" returning id");
    tx.select::<(Uuid,)>(sql).await?;
    Ok(())
}

/// Deletes up to `limit` tokens that expired before `before`.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql =
        Sql::new("delete from api_tokens where id in (select id from api_tokens where expires_at < ");
    sql.bind(before)
        .push(" order by expires_at limit ")
        .bind(limit)
        .push(") returning created_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}
