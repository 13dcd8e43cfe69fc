//! The table of departures: members of a deleted workspace who have not been told yet. Few are told in the transaction of
//! the deletion; a job tells the others, and each row is deleted with the entry in its user's log.

use super::bind::Kind::Id;
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, insert, table, text};
use super::{Reader, Result, Transaction};
use taskwire_protocol::{UserId, WorkspaceId};
use uuid::Uuid;

/// A member of a deleted workspace who has not been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The former member.
    pub user: UserId,
    /// The workspace that was deleted.
    pub workspace: WorkspaceId,
}

table! {
    /// A departure's row.
    struct DepartureRow {
        workspace_id: Uuid = fixed,
        user_id: Uuid = fixed,
    }
}

impl Stored for DepartureRow {
    type Value = Departure;

    fn read(self) -> Result<Departure> {
        Ok(Departure {
            user: UserId(self.user_id),
            workspace: WorkspaceId(self.workspace_id),
        })
    }
}

/// Some users who have not been told that this workspace was deleted, by id.
pub async fn list(reader: &mut Reader, workspace: WorkspaceId, limit: i64) -> Result<Vec<UserId>> {
    let mut sql = Sql::new("select user_id from departures where workspace_id = ");
    sql.bind(workspace.0).push(" order by user_id").limit(limit);
    let rows: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(rows.into_iter().map(|(id,)| UserId(id)).collect())
}

pub(super) static LOAD: Statement = statement(
    &[("workspace_id", Id), ("user_id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("d.$", DepartureRow::TABLE.read),
        Part::Plain(
            " from v cross join departures d
             where d.workspace_id = v.workspace_id and d.user_id = v.user_id and {rows}"
        ),
    ],
);

/// The departures of these users from these workspaces.
pub async fn load(
    tx: &mut Transaction,
    keys: impl IntoIterator<Item = (UserId, WorkspaceId)>,
) -> Result<Vec<Departure>> {
    let rows = keys.into_iter().map(|(user, workspace)| row(user, workspace));
    tx.load::<DepartureRow>(&LOAD, Batch::of(rows)).await
}

static INSERT: Statement = statement(
    DepartureRow::TABLE.written,
    insert!("departures", DepartureRow::TABLE),
);

pub(super) static DELETE: Statement = statement(
    &[("workspace_id", Id), ("user_id", Id)],
    "delete from departures where (workspace_id, user_id) in (select workspace_id, user_id from v where {rows})",
);

impl Keyed<(UserId, WorkspaceId), Departure> for Departure {
    fn keyed(self) -> ((UserId, WorkspaceId), Departure) {
        ((self.user, self.workspace), self)
    }
}

/// Writes the departures of a deletion, and deletes those of users who were told.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, (UserId, WorkspaceId), Departure>,
) -> Result<()> {
    let written = changes
        .written()
        .map(|((user, workspace), _)| row(user, workspace));
    tx.execute(&INSERT, Batch::of(written)).await?;
    let told = changes.removed().map(|(user, workspace)| row(user, workspace));
    tx.execute(&DELETE, Batch::of(told)).await
}

fn row(user: UserId, workspace: WorkspaceId) -> [super::bind::Cell; 2] {
    [workspace.0.into(), user.0.into()]
}
