//! Workspaces.

use super::bind::Kind::{Id, Int, Text};
use super::entity::{Changes, Keyed};
use super::members::role;
use super::statement::{Batch, Sql, Statement, statement};
use super::{Reader, Result, Transaction};
use taskwire_protocol::workspace::{Workspace, WorkspaceKind};
use taskwire_protocol::{Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct WorkspaceRow {
    id: Uuid,
    name: String,
    kind: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
    role: Option<i64>,
}

impl WorkspaceRow {
    fn read(self) -> Result<Workspace> {
        Ok(Workspace {
            id: WorkspaceId(self.id),
            name: self.name.into(),
            kind: if self.kind == 0 {
                WorkspaceKind::Personal
            } else {
                WorkspaceKind::Team
            },
            role: self.role.map(role).transpose()?,
            version: self.version,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

#[derive(sqlx::FromRow)]
struct WorkspaceAndHead {
    #[sqlx(flatten)]
    workspace: WorkspaceRow,
    head: i64,
}

const OF_USER: &str = "select w.id, w.name, w.kind, w.version, w.created_at, w.updated_at, m.role
    from members m join workspaces w on w.id = m.workspace_id where m.user_id = ";

/// A page of a user's workspaces after `after`, by id.
pub async fn list(
    reader: &mut Reader,
    user: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Workspace>> {
    let mut sql = Sql::new(OF_USER);
    sql.bind(user.0);
    if let Some(after) = after {
        sql.push(" and m.workspace_id > ").bind(after);
    }
    sql.push(" order by m.workspace_id limit ").bind(limit);
    reader
        .fetch::<WorkspaceRow>(sql)
        .await?
        .into_iter()
        .map(WorkspaceRow::read)
        .collect()
}

/// All workspaces of a user, by id, each with how far its stream had come at that moment: one statement, so that a
/// membership and the place as of which it holds cannot differ.
pub async fn list_with_heads(reader: &mut Reader, user: UserId) -> Result<Vec<(Workspace, i64)>> {
    let mut sql = Sql::new(
        "select w.id, w.name, w.kind, w.version, w.created_at, w.updated_at, m.role,
           coalesce((select s.seq from streams s where s.id = w.id), 0) as head
         from members m join workspaces w on w.id = m.workspace_id where m.user_id = ",
    );
    sql.bind(user.0).push(" order by m.workspace_id");
    let rows: Vec<WorkspaceAndHead> = reader.fetch(sql).await?;
    rows.into_iter()
        .map(|row| Ok((row.workspace.read()?, row.head)))
        .collect()
}

/// How many workspaces a user has.
pub async fn count(reader: &mut Reader, user: UserId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from members where user_id = ");
    sql.bind(user.0);
    Ok(reader.get::<(i64,)>(sql).await?.0 as u64)
}

/// A workspace as this member sees it.
pub async fn find(reader: &mut Reader, user: UserId, id: WorkspaceId) -> Result<Option<Workspace>> {
    let mut sql = Sql::new(OF_USER);
    sql.bind(user.0).push(" and m.workspace_id = ").bind(id.0);
    reader
        .find::<WorkspaceRow>(sql)
        .await?
        .map(WorkspaceRow::read)
        .transpose()
}

pub(super) static FIND: Statement = statement(
    &[("id", Id)],
    "select w.id, w.name, w.kind, w.version, w.created_at, w.updated_at, cast(null as bigint) as role
     from v cross join workspaces w where w.id = v.id and {rows}",
);

/// The workspaces with these ids, without a role.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = WorkspaceId>,
) -> Result<Vec<Workspace>> {
    let rows: Vec<WorkspaceRow> = tx
        .fetch(&FIND, Batch::of(ids.into_iter().map(|id| [id.0.into()])))
        .await?;
    rows.into_iter().map(WorkspaceRow::read).collect()
}

static UPSERT: Statement = statement(
    &[("id", Id), ("name", Text), ("kind", Int), ("version", Int), ("created_at", Int), ("updated_at", Int)],
    "insert into workspaces (id, name, kind, version, created_at, updated_at)
     select id, name, kind, version, created_at, updated_at from v where {rows}
     on conflict (id) do update set name = excluded.name, version = excluded.version, updated_at = excluded.updated_at",
);

impl Keyed<WorkspaceId, Workspace> for Workspace {
    fn keyed(self) -> (WorkspaceId, Workspace) {
        (self.id, self)
    }
}

/// Writes the workspaces that a group made or changed.
pub async fn write<'a>(
    tx: &mut Transaction,
    changes: impl Changes<'a, WorkspaceId, Workspace>,
) -> Result<()> {
    changes.keep_all("workspaces")?;
    let rows = changes.written().map(|(_, workspace)| {
        [
            workspace.id.0.into(),
            workspace.name.clone().into(),
            i64::from(workspace.kind == WorkspaceKind::Team).into(),
            workspace.version.into(),
            workspace.created_at.0.into(),
            workspace.updated_at.0.into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}
