//! Members of workspaces. A row has a copy of what its workspace's stream last told about the user: the profile itself
//! changes under the lock of the user's stream, and reaches the workspaces a moment later (`ops/profiles`).

use super::bind::{Cell, Kind::Id};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::users::public;
use super::{Reader, Result, StoreError, Transaction, stages};
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::stage::Stages;
use taskwire_protocol::{TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// The role that a stored code represents.
pub(super) fn role(code: i64) -> Result<Role> {
    match code {
        1 => Ok(Role::Viewer),
        2 => Ok(Role::Member),
        3 => Ok(Role::Admin),
        4 => Ok(Role::Owner),
        other => Err(StoreError::corrupt(format!("{other} is not the code of a role"))),
    }
}

/// The code by which a role is stored.
pub(super) fn code(role: Role) -> i64 {
    match role {
        Role::Viewer => 1,
        Role::Member => 2,
        Role::Admin => 3,
        Role::Owner => 4,
    }
}

table! {
    /// A member's row. The last three columns are the copy, and empty in the rows of a version that kept none.
    struct MemberRow {
        workspace_id: Uuid = fixed,
        user_id: Uuid = fixed,
        role: i64,
        joined_at: i64,
        version: i64,
        username: Option<String>,
        name: Option<String>,
        photo_url: Option<String>,
    }
}

/// A member's row, with the user's public fields.
#[derive(sqlx::FromRow)]
struct MemberAndUser {
    #[sqlx(flatten)]
    row: MemberRow,
    now_username: String,
    now_name: String,
    now_photo_url: Option<String>,
}

/// The columns of [`MemberAndUser`], from the tables `m` and `u`.
const COLUMNS: &str = text![
    Part::Each("m.$", MemberRow::TABLE.read),
    Part::Plain(", u.username as now_username, u.name as now_name, u.photo_url as now_photo_url"),
];

impl Stored for MemberAndUser {
    type Value = (WorkspaceId, Member);

    fn read(self) -> Result<(WorkspaceId, Member)> {
        let row = self.row;
        let user = match (row.username, row.name) {
            (Some(username), Some(name)) => (row.user_id, username, name, row.photo_url),
            _ => (row.user_id, self.now_username, self.now_name, self.now_photo_url),
        };
        let member = Member {
            user: public(user),
            role: role(row.role)?,
            joined_at: Timestamp(row.joined_at),
            version: row.version,
        };
        Ok((WorkspaceId(row.workspace_id), member))
    }
}

/// A user's role in a workspace, if any, and the head of its stream at the same moment.
pub async fn find_role_and_head(
    reader: &mut Reader,
    user: UserId,
    workspace: WorkspaceId,
) -> Result<Option<(Role, i64)>> {
    let mut sql = Sql::new(
        "select role, coalesce((select s.seq from streams s where s.id = members.workspace_id), 0)
         from members where workspace_id = ",
    );
    sql.bind(workspace.0).push(" and user_id = ").bind(user.0);
    let found: Option<(i64, i64)> = reader.find(sql).await?;
    found.map(|(code, head)| Ok((role(code)?, head))).transpose()
}

/// A user's role in a workspace, if any.
pub async fn find_role(reader: &mut Reader, user: UserId, workspace: WorkspaceId) -> Result<Option<Role>> {
    let mut sql = Sql::new("select role from members where workspace_id = ");
    sql.bind(workspace.0).push(" and user_id = ").bind(user.0);
    reader.scalar::<i64>(sql).await?.map(role).transpose()
}

/// The workspace whose id a statement reads, and the user's role there. `None` if it reads none, or if the user is not a
/// member of that workspace.
pub(super) async fn find_role_at(
    reader: &mut Reader,
    user: UserId,
    place: Sql,
) -> Result<Option<(WorkspaceId, Role)>> {
    let Some(workspace) = reader.scalar::<Uuid>(place).await?.map(WorkspaceId) else {
        return Ok(None);
    };
    let role = find_role(reader, user, workspace).await?;
    Ok(role.map(|role| (workspace, role)))
}

/// A task's workspace and the user's role there. `None` if there is no such task, or if the user is not a member of its
/// workspace.
pub async fn find_role_at_task(
    reader: &mut Reader,
    user: UserId,
    task: TaskId,
) -> Result<Option<(WorkspaceId, Role)>> {
    let mut sql = Sql::new(
        "select t.workspace_id, m.role from tasks t join members m on m.workspace_id = t.workspace_id and m.user_id = ",
    );
    sql.bind(user.0).push(" where t.id = ").bind(task.0);
    let found: Option<(Uuid, i64)> = reader.find(sql).await?;
    found
        .map(|(workspace, code)| Ok((WorkspaceId(workspace), role(code)?)))
        .transpose()
}

pub(super) static ACQUAINTED: Statement = statement(
    &[("a", Id), ("b", Id)],
    "select distinct v.a, v.b from v cross join members x cross join members y
     where x.user_id = v.a and y.workspace_id = x.workspace_id and y.user_id = v.b and {rows}",
);

/// The pairs of users who share a workspace.
pub async fn load_acquainted(
    tx: &mut Transaction,
    pairs: impl IntoIterator<Item = (UserId, UserId)>,
) -> Result<Vec<(UserId, UserId)>> {
    let rows = pairs.into_iter().map(|(a, b)| [a.0.into(), b.0.into()]);
    let found: Vec<(Uuid, Uuid)> = tx.fetch(&ACQUAINTED, Batch::of(rows)).await?;
    Ok(found.into_iter().map(|(a, b)| (UserId(a), UserId(b))).collect())
}

/// A page of a workspace's members after `after`, by user id.
pub async fn list(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Member>> {
    let mut sql = Sql::new(text![
        Part::Plain("select "),
        Part::Plain(COLUMNS),
        Part::Plain(" from members m join users u on u.id = m.user_id where m.workspace_id = "),
    ]);
    sql.bind(workspace.0).page("m.user_id", after, limit);
    reader
        .fetch::<MemberAndUser>(sql)
        .await?
        .into_iter()
        .map(|row| Ok(row.read()?.1))
        .collect()
}

/// Workspaces of a user after `after` whose copy of the profile is not what the profile is now, by id.
pub async fn outdated(
    reader: &mut Reader,
    user: UserId,
    after: Option<WorkspaceId>,
    limit: i64,
) -> Result<Vec<WorkspaceId>> {
    let mut sql = Sql::new(
        "select m.workspace_id from members m join users u on u.id = m.user_id
         where (m.username <> u.username or m.name <> u.name
             or coalesce(m.photo_url, '') <> coalesce(u.photo_url, '')) and m.user_id = ",
    );
    sql.bind(user.0)
        .page("m.workspace_id", after.map(|after| after.0), limit);
    let rows: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(rows.into_iter().map(|(id,)| WorkspaceId(id)).collect())
}

/// How many members a workspace has.
pub async fn count(reader: &mut Reader, workspace: WorkspaceId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from members where workspace_id = ");
    sql.bind(workspace.0);
    reader.count(sql).await
}

/// A member's row, and in the row of an owner the workspace's stages: every workspace has an owner, and few have many.
#[derive(sqlx::FromRow)]
struct MemberAndStages {
    #[sqlx(flatten)]
    member: MemberAndUser,
    stages: Option<String>,
}

impl Stored for MemberAndStages {
    type Value = (WorkspaceId, Member, Option<Stages>);

    fn read(self) -> Result<Self::Value> {
        let (workspace, member) = self.member.read()?;
        let stages = self.stages.map(|text| stages::read(Some(&text))).transpose()?;
        Ok((workspace, member, stages))
    }
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Plain(COLUMNS),
        Part::Plain(
            ", w.stages from v cross join members m join users u on u.id = m.user_id
             left join workspaces w on w.id = m.workspace_id and m.role = 4 where m.workspace_id = v.id and {rows}"
        ),
    ],
);

/// All members of these workspaces, with the stages of those that do not have the standard ones.
pub async fn load(
    tx: &mut Transaction,
    workspaces: impl IntoIterator<Item = WorkspaceId>,
) -> Result<Vec<(WorkspaceId, Member, Option<Stages>)>> {
    tx.load::<MemberAndStages>(&LOAD, Batch::ids(workspaces)).await
}

static UPSERT: Statement = statement(
    MemberRow::TABLE.written,
    upsert!("members", "workspace_id, user_id", MemberRow::TABLE),
);

/// Writes new and changed members.
pub async fn upsert<'a>(
    tx: &mut Transaction,
    members: impl IntoIterator<Item = (WorkspaceId, &'a Member)>,
) -> Result<()> {
    let rows = members.into_iter().map(|(workspace, member)| {
        [
            workspace.0.into(),
            member.user.id.0.into(),
            code(member.role).into(),
            member.joined_at.0.into(),
            member.version.into(),
            member.user.username.clone().into(),
            member.user.name.clone().into(),
            Cell::Text(member.user.photo_url.clone()),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

pub(super) static DELETE: Statement = statement(
    &[("workspace_id", Id), ("user_id", Id)],
    "delete from members where (workspace_id, user_id) in (select workspace_id, user_id from v where {rows})",
);

/// Removes members.
pub async fn delete(
    tx: &mut Transaction,
    members: impl IntoIterator<Item = (WorkspaceId, UserId)>,
) -> Result<()> {
    let rows = members
        .into_iter()
        .map(|(workspace, user)| [workspace.0.into(), user.0.into()]);
    tx.execute(&DELETE, Batch::of(rows)).await
}

/// Removes all members of a workspace.
pub async fn delete_all(tx: &mut Transaction, workspace: WorkspaceId) -> Result<()> {
    let mut sql = Sql::new("delete from members where workspace_id = ");
    sql.bind(workspace.0);
    tx.select::<()>(sql).await.map(drop)
}
