//! The table of workspaces.

use super::bind::Kind::Id;
use super::entity::{Changes, Keyed};
use super::members::role;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction, stages};
use taskwire_protocol::workspace::{Workspace, WorkspaceKind};
use taskwire_protocol::{Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A workspace's row. Without `stages` it has the standard ones.
    struct WorkspaceRow {
        id: Uuid = fixed,
        name: String,
        kind: i64 = fixed,
        version: i64,
        created_at: i64 = fixed,
        updated_at: i64,
        stages: Option<String>,
    }
}

impl Stored for WorkspaceRow {
    type Value = Workspace;

    fn read(self) -> Result<Workspace> {
        Ok(Workspace {
            id: WorkspaceId(self.id),
            name: self.name.into(),
            kind: if self.kind == 0 {
                WorkspaceKind::Personal
            } else {
                WorkspaceKind::Team
            },
            role: None,
            stages: stages::read(self.stages.as_deref())?,
            version: self.version,
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

/// A workspace, with the role of one member.
#[derive(sqlx::FromRow)]
struct WorkspaceOfMember {
    #[sqlx(flatten)]
    workspace: WorkspaceRow,
    role: i64,
}

impl Stored for WorkspaceOfMember {
    type Value = Workspace;

    fn read(self) -> Result<Workspace> {
        let role = Some(role(self.role)?);
        Ok(Workspace {
            role,
            ..self.workspace.read()?
        })
    }
}

#[derive(sqlx::FromRow)]
struct WorkspaceAndHead {
    #[sqlx(flatten)]
    workspace: WorkspaceOfMember,
    head: i64,
}

const OF_USER: &str = text![
    Part::Plain("select "),
    Part::Each("w.$", WorkspaceRow::TABLE.read),
    Part::Plain(", m.role from members m join workspaces w on w.id = m.workspace_id where m.user_id = "),
];
const OF_USER_WITH_HEAD: &str = text![
    Part::Plain("select "),
    Part::Each("w.$", WorkspaceRow::TABLE.read),
    Part::Plain(
        ", m.role, coalesce((select s.seq from streams s where s.id = w.id), 0) as head
         from members m join workspaces w on w.id = m.workspace_id where m.user_id = "
    ),
];

/// A page of a user's workspaces after `after`, by id.
pub async fn list(
    reader: &mut Reader,
    user: UserId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Workspace>> {
    list_of(reader, user, None, after, limit).await
}

/// A page of a user's workspaces, `only` those of a list.
pub async fn list_of(
    reader: &mut Reader,
    user: UserId,
    only: Option<&[WorkspaceId]>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Workspace>> {
    let mut sql = Sql::new(OF_USER);
    sql.bind(user.0).among("m.workspace_id", only);
    sql.page("m.workspace_id", after, limit);
    reader.list::<WorkspaceOfMember>(sql).await
}

/// All workspaces of a user, by id, each with the head of its stream. One statement reads both, so that a membership
/// belongs to exactly this head.
pub async fn list_with_heads(reader: &mut Reader, user: UserId) -> Result<Vec<(Workspace, i64)>> {
    let mut sql = Sql::new(OF_USER_WITH_HEAD);
    sql.bind(user.0).push(" order by m.workspace_id");
    let rows: Vec<WorkspaceAndHead> = reader.fetch(sql).await?;
    rows.into_iter()
        .map(|row| Ok((row.workspace.read()?, row.head)))
        .collect()
}

/// How many workspaces a user has, `only` those of a list.
pub async fn count(reader: &mut Reader, user: UserId, only: Option<&[WorkspaceId]>) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from members where user_id = ");
    sql.bind(user.0).among("workspace_id", only);
    reader.count(sql).await
}

/// How many workspaces a user has, and how many team workspaces of them they own.
pub async fn belongings(tx: &mut Transaction, user: UserId) -> Result<(u64, u64)> {
    let mut sql = Sql::new(
        "select count(*), coalesce(sum(case when m.role = 4 and w.kind = 1 then 1 else 0 end), 0)
         from members m join workspaces w on w.id = m.workspace_id where m.user_id = ",
    );
    sql.bind(user.0);
    let rows: Vec<(i64, i64)> = tx.select(sql).await?;
    Ok(rows
        .first()
        .map_or((0, 0), |(all, owned)| (*all as u64, *owned as u64)))
}

/// The team workspaces that have other members, and this user as their only owner: ids and names, by id.
pub async fn owned_alone(tx: &mut Transaction, user: UserId) -> Result<Vec<(WorkspaceId, String)>> {
    let mut sql = Sql::new(
        "select w.id, w.name from members m join workspaces w on w.id = m.workspace_id
         where m.role = 4 and w.kind = 1
           and exists (select 1 from members o where o.workspace_id = m.workspace_id and o.user_id <> m.user_id)
           and not exists (select 1 from members o
             where o.workspace_id = m.workspace_id and o.user_id <> m.user_id and o.role = 4)
           and m.user_id = ",
    );
    sql.bind(user.0).push(" order by w.id");
    let rows: Vec<(Uuid, String)> = tx.select(sql).await?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| (WorkspaceId(id), name))
        .collect())
}

/// A workspace with this member's role; `None` for a user who is not a member.
pub async fn find(reader: &mut Reader, user: UserId, id: WorkspaceId) -> Result<Option<Workspace>> {
    let mut sql = Sql::new(OF_USER);
    sql.bind(user.0).push(" and m.workspace_id = ").bind(id.0);
    reader.one::<WorkspaceOfMember>(sql).await
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("w.$", WorkspaceRow::TABLE.read),
        Part::Plain(" from v cross join workspaces w where w.id = v.id and {rows}"),
    ],
);

/// The workspaces with these ids, without a role.
pub async fn load(
    tx: &mut Transaction,
    ids: impl IntoIterator<Item = WorkspaceId>,
) -> Result<Vec<Workspace>> {
    tx.load::<WorkspaceRow>(&LOAD, Batch::ids(ids)).await
}

static UPSERT: Statement = statement(
    WorkspaceRow::TABLE.written,
    upsert!("workspaces", "id", WorkspaceRow::TABLE),
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
            stages::cell(&workspace.stages),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}
