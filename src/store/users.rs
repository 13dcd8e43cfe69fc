//! The table of accounts. The row of a deleted one stays for its id, which tasks and logs name; only what says so finds it.

use super::bind::{
    Cell,
    Kind::{Id, Text},
};
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction, epoch};
use crate::unicode::email_key;
use serde_json::{Map, Value};
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, Plan, PublicUser, User};
use taskwire_protocol::{Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// An account, with the fields that only the server sees.
#[derive(Clone, Debug)]
pub struct Account {
    /// What its owner sees.
    pub user: User,
    /// A PHC string.
    pub password_hash: Arc<str>,
    /// Tokens with another version are invalid.
    pub token_version: i64,
    /// The workspace made at signup.
    pub personal: WorkspaceId,
    /// When the account was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The form in which usernames are unique: lower case. Usernames are ASCII.
pub fn username_key(username: &str) -> String {
    username.to_ascii_lowercase()
}

table! {
    /// An account's row.
    struct UserRow {
        id: Uuid = fixed,
        email: String,
        username: String,
        name: String,
        password_hash: String,
        role: i64,
        plan: i64,
        is_active: bool,
        is_verified: bool,
        timezone: String,
        preferences: String,
        photo_url: Option<String>,
        token_version: i64,
        personal_id: Uuid = fixed,
        version: i64,
        created_at: i64 = fixed,
        updated_at: i64,
        deleted_at: Option<i64>,
    }
    written {
        email_key: String,
        username_key: String,
    }
}

const COLUMNS: &str = text![Part::Each("$", UserRow::TABLE.read)];

impl Stored for UserRow {
    type Value = Account;

    fn read(self) -> Result<Account> {
        let user = User {
            id: UserId(self.id),
            username: self.username.into(),
            name: self.name.into(),
            email: self.email.into(),
            role: if self.role == 1 {
                GlobalRole::Admin
            } else {
                GlobalRole::User
            },
            plan: if self.plan == 1 { Plan::Pro } else { Plan::Free },
            is_active: self.is_active,
            is_verified: self.is_verified,
            timezone: self.timezone.into(),
            preferences: serde_json::from_str(&self.preferences)?,
            photo_url: self.photo_url.map(Arc::from),
            version: self.version,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        };
        let (token_version, personal) = (self.token_version, WorkspaceId(self.personal_id));
        Ok(Account {
            user,
            password_hash: self.password_hash.into(),
            token_version,
            personal,
            deleted_at: self.deleted_at.map(Timestamp),
        })
    }
}

/// The account with this id.
pub async fn find(reader: &mut Reader, id: UserId) -> Result<Option<Account>> {
    let found = find_even_deleted(reader, id).await?;
    Ok(found.filter(|account| account.deleted_at.is_none()))
}

/// The account with this id, or what is left of it.
pub async fn find_even_deleted(reader: &mut Reader, id: UserId) -> Result<Option<Account>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from users where id = "));
    sql.bind(id.0);
    reader.one::<UserRow>(sql).await
}

/// The account with this e-mail address (`unicode::email_key` says which addresses are one).
pub async fn find_by_email(reader: &mut Reader, email: &str) -> Result<Option<Account>> {
    // no address contains U+0000, and PostgreSQL refuses a text with it
    if email.contains('\0') {
        return Ok(None);
    }
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from users where deleted_at is null and email_key = "
    ));
    sql.bind(email_key(email));
    reader.one::<UserRow>(sql).await
}

/// The `photo_url` of each of these users that has one.
pub async fn photos(
    reader: &mut Reader,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<(UserId, String)>> {
    let mut sql = Sql::new("select id, photo_url from users where photo_url is not null and id in (");
    sql.bind_all(ids.into_iter().map(|id| id.0)).push(")");
    let found: Vec<(Uuid, String)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id, url)| (UserId(id), url)).collect())
}

/// A page of accounts after `after`, by id.
pub async fn list(reader: &mut Reader, after: Option<Uuid>, limit: i64) -> Result<Vec<Account>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from users where deleted_at is null"));
    sql.page("id", after, limit);
    reader.list::<UserRow>(sql).await
}

/// How many accounts there are.
pub async fn count(reader: &mut Reader) -> Result<u64> {
    reader
        .count(Sql::new("select count(*) from users where deleted_at is null"))
        .await
}

/// The active administrators, by id.
pub async fn administrators(tx: &mut Transaction) -> Result<Vec<UserId>> {
    let sql = Sql::new("select id from users where role = 1 and is_active = true order by id");
    let rows: Vec<(Uuid,)> = tx.select(sql).await?;
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}

/// The active administrators, for a transaction that makes the first one. Only one such transaction goes on at a time, so
/// it sees the one that another transaction made.
pub async fn administrators_in_turn(tx: &mut Transaction) -> Result<Vec<UserId>> {
    epoch::rewrite(tx).await?;
    administrators(tx).await
}

/// Whether there is an active administrator.
pub async fn has_administrator(reader: &mut Reader) -> Result<bool> {
    let sql = Sql::new("select id from users where role = 1 and is_active = true limit 1");
    let found: Option<(Uuid,)> = reader.find(sql).await?;
    Ok(found.is_some())
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("u.$", UserRow::TABLE.read),
        Part::Plain(" from v cross join users u where u.id = v.id and u.deleted_at is null and {rows}"),
    ],
);

/// The accounts with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = UserId>) -> Result<Vec<Account>> {
    tx.load::<UserRow>(&LOAD, Batch::ids(ids)).await
}

pub(super) static PREFERENCES: Statement = statement(
    &[("id", Id)],
    "select u.id, u.preferences from v cross join users u where u.id = v.id and {rows}",
);

/// The preferences of these users.
pub async fn load_preferences(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<(UserId, Map<String, Value>)>> {
    let found: Vec<(Uuid, String)> = tx.fetch(&PREFERENCES, Batch::ids(ids)).await?;
    let found = found.into_iter();
    found
        .map(|(id, preferences)| Ok((UserId(id), serde_json::from_str(&preferences)?)))
        .collect()
}

pub(super) static ZONES: Statement = statement(
    &[("id", Id)],
    "select u.id, u.timezone from v cross join users u where u.id = v.id and {rows}",
);

/// The names of these users' time zones.
pub async fn zones(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = UserId>,
) -> Result<Vec<(UserId, String)>> {
    let rows: Vec<(Uuid, String)> = tx.fetch(&ZONES, Batch::ids(ids)).await?;
    Ok(rows.into_iter().map(|(id, zone)| (UserId(id), zone)).collect())
}

/// The public fields of a user, if `of` shares a workspace with them, `only` one of a list, or is that user.
pub async fn find_acquaintance(
    reader: &mut Reader,
    id: UserId,
    of: UserId,
    only: Option<&[WorkspaceId]>,
) -> Result<Option<PublicUser>> {
    let mut sql = Sql::new("select u.id, u.username, u.name, u.photo_url from users u where u.id = ");
    sql.bind(id.0).push(" and (u.id = ").bind(of.0);
    sql.push(" or exists (select 1 from members a join members b on b.workspace_id = a.workspace_id where a.user_id = ");
    sql.bind(of.0)
        .push(" and b.user_id = u.id")
        .among("a.workspace_id", only);
    sql.push("))");
    let found: Option<(Uuid, String, String, Option<String>)> = reader.find(sql).await?;
    Ok(found.map(public))
}

pub(super) fn public((id, username, name, photo): (Uuid, String, String, Option<String>)) -> PublicUser {
    PublicUser {
        id: UserId(id),
        username: username.into(),
        name: name.into(),
        photo_url: photo.map(Arc::from),
    }
}

/// How a group finds an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Login {
    /// By the key of an e-mail address.
    Email(String),
    /// By the key of a username.
    Username(String),
}

impl Login {
    /// By an e-mail address.
    pub fn email(email: &str) -> Login {
        Login::Email(email_key(email))
    }

    /// By a username.
    pub fn username(username: &str) -> Login {
        Login::Username(username_key(username))
    }
}

pub(super) static BY_LOGIN: Statement = statement(
    &[("email", Text), ("username", Text)],
    "select u.id, u.email_key, u.username_key, u.username, u.name, u.photo_url from users u
     where u.deleted_at is null and (u.email_key in (select email from v where email is not null)
        or u.username_key in (select username from v where username is not null))",
);

/// Accounts by their logins: (e-mail key, username key, user).
pub async fn by_login<'a>(
    tx: &mut Transaction,
    logins: impl IntoIterator<Item = &'a Login>,
) -> Result<Vec<(String, String, PublicUser)>> {
    let rows = logins.into_iter().map(|login| match login {
        Login::Email(email) => [email.as_str().into(), Cell::Text(None)],
        Login::Username(username) => [Cell::Text(None), username.as_str().into()],
    });
    let rows: Vec<(Uuid, String, String, String, String, Option<String>)> =
        tx.fetch(&BY_LOGIN, Batch::of(rows)).await?;
    Ok(rows
        .into_iter()
        .map(|(id, email, key, username, name, photo)| (email, key, public((id, username, name, photo))))
        .collect())
}

static UPSERT: Statement = statement(UserRow::TABLE.written, upsert!("users", "id", UserRow::TABLE));

impl Keyed<UserId, Account> for Account {
    fn keyed(self) -> (UserId, Account) {
        (self.user.id, self)
    }
}

/// Writes the accounts that a group made or changed.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, UserId, Account>) -> Result<()> {
    changes.keep_all("accounts")?;
    let rows = changes.written().map(|(_, account)| {
        let user = &account.user;
        [
            user.id.0.into(),
            Arc::<str>::from(user.email.clone()).into(),
            user.username.clone().into(),
            user.name.clone().into(),
            account.password_hash.clone().into(),
            i64::from(user.role == GlobalRole::Admin).into(),
            i64::from(user.plan == Plan::Pro).into(),
            user.is_active.into(),
            user.is_verified.into(),
            user.timezone.clone().into(),
            serde_json::to_string(&user.preferences)
                .unwrap_or_else(|_| "{}".into())
                .into(),
            Cell::Text(user.photo_url.clone()),
            account.token_version.into(),
            account.personal.0.into(),
            user.version.into(),
            user.created_at.0.into(),
            user.updated_at.0.into(),
            Cell::Int(account.deleted_at.map(|at| at.0)),
            email_key(&user.email).into(),
            username_key(&user.username).into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}
