//! The table of codes that were mailed to prove an address. It has no code: the server makes a code of the row's id and its
//! secret (`auth/codes`), so neither the database nor the queue of mails can tell it.

use super::bind::{
    Cell,
    Kind::{Id, Int},
};
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, StoreError, Transaction};
use crate::unicode::email_key;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use taskwire_protocol::{Email, Timestamp, UserId};
use uuid::Uuid;

/// How many accounts may have a code for one address that are looked at: its owner, and people who want it.
const SHARED: i64 = 4;

/// What a code is for. An account has at most one code for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The address of a sign-up.
    Verify,
    /// A new password.
    Reset,
    /// Another address.
    ChangeEmail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Purpose; 3] = [Purpose::Verify, Purpose::Reset, Purpose::ChangeEmail];

    /// Its number in the table. Codes are made of it too.
    pub fn number(self) -> u8 {
        match self {
            Purpose::Verify => 1,
            Purpose::Reset => 2,
            Purpose::ChangeEmail => 3,
        }
    }

    fn read(number: i64) -> Result<Purpose> {
        let found = Purpose::ALL
            .into_iter()
            .find(|purpose| i64::from(purpose.number()) == number);
        found.ok_or_else(|| StoreError::corrupt(format!("{number} is not a purpose of a code")))
    }
}

/// A code that was mailed.
#[derive(Clone, Debug)]
pub struct CodeRecord {
    /// Whose account it is.
    pub user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// The code and the link are made of this.
    pub id: Uuid,
    /// The address that it proves.
    pub email: Email,
    /// How many wrong codes were tried.
    pub tries: i64,
    /// From then on it is refused.
    pub expires_at: Timestamp,
    /// When it was used or became void.
    pub ended_at: Option<Timestamp>,
    /// The account's token version when it was made: with another one it is void. `None`: it does not depend on it.
    pub token_version: Option<i64>,
}

table! {
    /// A code's row.
    struct CodeRow {
        user_id: Uuid = fixed,
        purpose: i64 = fixed,
        id: Uuid,
        email: String,
        tries: i64,
        expires_at: i64,
        ended_at: Option<i64>,
        token_version: Option<i64>,
    }
    written {
        email_key: String,
    }
}

const COLUMNS: &str = text![Part::Each("$", CodeRow::TABLE.read)];

impl Stored for CodeRow {
    type Value = CodeRecord;

    fn read(self) -> Result<CodeRecord> {
        Ok(CodeRecord {
            user: UserId(self.user_id),
            purpose: Purpose::read(self.purpose)?,
            id: self.id,
            email: self.email.into(),
            tries: self.tries,
            expires_at: Timestamp(self.expires_at),
            ended_at: self.ended_at.map(Timestamp),
            token_version: self.token_version,
        })
    }
}

/// The code with this id.
pub async fn find(reader: &mut Reader, id: Uuid) -> Result<Option<CodeRecord>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from codes where id = "));
    sql.bind(id);
    reader.one::<CodeRow>(sql).await
}

/// The newest codes for an address, of any account, that were not used.
pub async fn list_by_email(reader: &mut Reader, email: &str) -> Result<Vec<CodeRecord>> {
    // no address contains U+0000, and PostgreSQL refuses a text with it
    if email.contains('\0') {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(&format!("select {COLUMNS} from codes where email_key = "));
    sql.bind(email_key(email));
    sql.push(" and ended_at is null order by id desc")
        .limit(SHARED * 3);
    reader.list::<CodeRow>(sql).await
}

pub(super) static LOAD: Statement = statement(
    &[("user_id", Id), ("purpose", Int)],
    text![
        Part::Plain("select "),
        Part::Each("c.$", CodeRow::TABLE.read),
        Part::Plain(
            " from v cross join codes c where c.user_id = v.user_id and c.purpose = v.purpose and {rows}"
        ),
    ],
);

/// The codes of these accounts and purposes.
pub async fn load(
    tx: &mut Transaction,
    keys: impl IntoIterator<Item = (UserId, Purpose)>,
) -> Result<Vec<CodeRecord>> {
    let rows = keys
        .into_iter()
        .map(|(user, purpose)| [user.0.into(), i64::from(purpose.number()).into()]);
    tx.load::<CodeRow>(&LOAD, Batch::of(rows)).await
}

static UPSERT: Statement = statement(
    CodeRow::TABLE.written,
    upsert!("codes", "user_id, purpose", CodeRow::TABLE),
);

impl Keyed<(UserId, Purpose), CodeRecord> for CodeRecord {
    fn keyed(self) -> ((UserId, Purpose), CodeRecord) {
        ((self.user, self.purpose), self)
    }
}

/// Writes the codes that a group made or changed. Retention deletes them ([`forget`]).
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, (UserId, Purpose), CodeRecord>,
) -> Result<()> {
    changes.keep_all("codes")?;
    let rows = changes.written().map(|(_, code)| {
        [
            code.user.0.into(),
            i64::from(code.purpose.number()).into(),
            code.id.into(),
            Arc::<str>::from(code.email.clone()).into(),
            code.tries.into(),
            code.expires_at.0.into(),
            Cell::Int(code.ended_at.map(|at| at.0)),
            Cell::Int(code.token_version),
            email_key(&code.email).into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

/// Lets a code that was not used expire at another time. Returns whether there is such a code.
pub async fn extend(tx: &mut Transaction, id: Uuid, expires_at: Timestamp) -> Result<bool> {
    let mut sql = Sql::new("update codes set expires_at = ");
    sql.bind(expires_at.0).push(" where id = ").bind(id);
    sql.push(" and ended_at is null returning expires_at");
    Ok(!tx.select::<(i64,)>(sql).await?.is_empty())
}

/// Deletes up to `limit` codes that expired before `before`.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new("delete from codes where id in (select id from codes where expires_at < ");
    sql.bind(before).push(" order by expires_at").limit(limit);
    sql.push(") returning expires_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}
