//! The table of sign-ins that a person approved, or refused, on another device. Rows are found by the keyed hash of the code
//! that the person typed; no code is here.

use super::bind::{Cell, Kind::Id};
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{SessionId, Timestamp, UserId};
use uuid::Uuid;

/// What a person decided about a program that wants to sign in.
#[derive(Clone, Debug)]
pub struct DeviceApproval {
    /// The keyed hash of the code that the person typed.
    pub id: Uuid,
    /// The person.
    pub user: UserId,
    /// The program may not sign in.
    pub refused: bool,
    /// The program has signed in.
    pub used: bool,
    /// From then on it counts no more.
    pub expires_at: Timestamp,
    /// The person's token version at that moment: with another one it is void. `None`: an older version of this program
    /// wrote the row.
    pub token_version: Option<i64>,
    /// The session in which the person decided: when it has ended, this is void.
    pub session: Option<SessionId>,
}

table! {
    /// An approval's row.
    struct ApprovalRow {
        id: Uuid = fixed,
        user_id: Uuid = fixed,
        refused: bool,
        used: bool,
        expires_at: i64,
        token_version: Option<i64>,
        session_id: Option<Uuid>,
    }
}

const COLUMNS: &str = text![Part::Each("$", ApprovalRow::TABLE.read)];

impl Stored for ApprovalRow {
    type Value = DeviceApproval;

    fn read(self) -> Result<DeviceApproval> {
        Ok(DeviceApproval {
            id: self.id,
            user: UserId(self.user_id),
            refused: self.refused,
            used: self.used,
            expires_at: Timestamp(self.expires_at),
            token_version: self.token_version,
            session: self.session_id.map(SessionId),
        })
    }
}

/// The approval with this id.
pub async fn find(reader: &mut Reader, id: Uuid) -> Result<Option<DeviceApproval>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from device_approvals where id = "));
    sql.bind(id);
    reader.one::<ApprovalRow>(sql).await
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("a.$", ApprovalRow::TABLE.read),
        Part::Plain(" from v cross join device_approvals a where a.id = v.id and {rows}"),
    ],
);

/// The approvals with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = Uuid>) -> Result<Vec<DeviceApproval>> {
    tx.load::<ApprovalRow>(&LOAD, Batch::ids(ids)).await
}

static UPSERT: Statement = statement(
    ApprovalRow::TABLE.written,
    upsert!("device_approvals", "id", ApprovalRow::TABLE),
);

impl Keyed<Uuid, DeviceApproval> for DeviceApproval {
    fn keyed(self) -> (Uuid, DeviceApproval) {
        (self.id, self)
    }
}

/// Writes the approvals that a group made or changed. Retention deletes them ([`forget`]).
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, Uuid, DeviceApproval>) -> Result<()> {
    changes.keep_all("device approvals")?;
    let rows = changes.written().map(|(_, approval)| {
        [
            approval.id.into(),
            approval.user.0.into(),
            approval.refused.into(),
            approval.used.into(),
            approval.expires_at.0.into(),
            Cell::Int(approval.token_version),
            Cell::Id(approval.session.map(|session| session.0)),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

/// Deletes up to `limit` approvals that expired before `before`.
pub async fn forget(tx: &mut Transaction, before: i64, limit: i64) -> Result<u64> {
    let mut sql = Sql::new(
        "delete from device_approvals where id in (select id from device_approvals where expires_at < ",
    );
    sql.bind(before)
        .push(" order by expires_at limit ")
        .bind(limit)
        .push(") returning expires_at");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}
