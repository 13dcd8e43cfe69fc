//! The table of projects. Which tasks a project has is in the tasks' rows.

use super::bind::{Cell, Kind::Id};
use super::entity::{Changes, Keyed};
use super::members;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use std::sync::Arc;
use taskwire_protocol::member::Role;
use taskwire_protocol::project::Project;
use taskwire_protocol::{ProjectId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

table! {
    /// A project's row.
    struct ProjectRow {
        id: Uuid = fixed,
        workspace_id: Uuid = fixed,
        name: String,
        color: Option<String>,
        position: String,
        is_archived: bool,
        version: i64,
        created_at: i64 = fixed,
        updated_at: i64,
    }
}

impl Stored for ProjectRow {
    type Value = Project;

    fn read(self) -> Result<Project> {
        let row = self;
        Ok(Project {
            id: ProjectId(row.id),
            workspace_id: WorkspaceId(row.workspace_id),
            name: row.name,
            color: row.color,
            position: row.position,
            is_archived: row.is_archived,
            version: row.version,
            created_at: Timestamp(row.created_at),
            updated_at: Timestamp(row.updated_at),
        })
    }
}

const COLUMNS: &str = text![Part::Each("$", ProjectRow::TABLE.read)];

fn of_workspace(workspace: WorkspaceId) -> Sql {
    let mut sql = Sql::new(&format!("select {COLUMNS} from projects where workspace_id = "));
    sql.bind(workspace.0);
    sql
}

/// A page of a workspace's projects after a position and id, in their order.
pub async fn list(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Option<&(String, Uuid)>,
    limit: i64,
) -> Result<Vec<Project>> {
    let mut sql = of_workspace(workspace);
    if let Some((position, id)) = after {
        sql.push(" and (position, id) > (").bind(&**position);
        sql.push(", ").bind(*id).push(")");
    }
    sql.push(" order by position, id").limit(limit);
    reader.list::<ProjectRow>(sql).await
}

/// How many projects a workspace has.
pub async fn count(reader: &mut Reader, workspace: WorkspaceId) -> Result<u64> {
    let mut sql = Sql::new("select count(*) from projects where workspace_id = ");
    sql.bind(workspace.0);
    reader.count(sql).await
}

/// The workspace of a project and the user's role there. `None` if there is no such project, or if the user is not a
/// member of its workspace.
pub async fn find_role(
    reader: &mut Reader,
    user: UserId,
    project: ProjectId,
) -> Result<Option<(WorkspaceId, Role)>> {
    let mut sql = Sql::new("select workspace_id from projects where id = ");
    sql.bind(project.0);
    members::find_role_at(reader, user, sql).await
}

/// All projects of a workspace.
pub async fn load_of(tx: &mut Transaction, workspace: WorkspaceId) -> Result<Vec<Project>> {
    tx.list::<ProjectRow>(of_workspace(workspace)).await
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("p.$", ProjectRow::TABLE.read),
        Part::Plain(" from v cross join projects p where p.id = v.id and {rows}"),
    ],
);

/// The projects with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = ProjectId>) -> Result<Vec<Project>> {
    tx.load::<ProjectRow>(&LOAD, Batch::ids(ids)).await
}

static UPSERT: Statement = statement(
    ProjectRow::TABLE.written,
    upsert!("projects", "id", ProjectRow::TABLE),
);

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from projects where id in (select v.id from v where {rows})",
);

impl Keyed<ProjectId, Project> for Project {
    fn keyed(self) -> (ProjectId, Project) {
        (self.id, self)
    }
}

/// Writes the projects that a group made, changed or deleted.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, ProjectId, Project>) -> Result<()> {
    let gone: Vec<ProjectId> = changes.removed().collect();
    tx.execute(&DELETE, Batch::ids(gone)).await?;
    let rows = changes.written().map(|(_, project)| {
        [
            project.id.0.into(),
            project.workspace_id.0.into(),
            project.name.clone().into(),
            Cell::Text(project.color.as_deref().map(Arc::from)),
            project.position.clone().into(),
            project.is_archived.into(),
            project.version.into(),
            project.created_at.0.into(),
            project.updated_at.0.into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}
