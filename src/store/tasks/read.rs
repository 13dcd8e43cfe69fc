//! Tasks for queries.

use super::row::{COLUMNS, TaskRow};
use crate::ids::moment_ms;
use crate::store::rows;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, WorkspaceId};
use uuid::Uuid;

/// The task with this id.
pub async fn find(reader: &mut Reader, id: TaskId) -> Result<Option<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.id = "));
    sql.bind(id.0);
    reader.one::<TaskRow>(sql).await
}

/// A page of a workspace's tasks after `after`, by id, deleted ones included.
pub async fn sync(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Task>> {
    by_id(reader, workspace, after.unwrap_or_default(), limit, |_| ()).await
}

/// A workspace's tasks after an id, by id, that meet the conditions that `narrow` appends.
pub(in crate::store) async fn by_id(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Uuid,
    limit: i64,
    narrow: impl Fn(&mut Sql),
) -> Result<Vec<Task>> {
    let mut found = Vec::new();
    for sql in pages_by_id(COLUMNS, workspace, after, limit, narrow) {
        found.append(&mut reader.fetch::<TaskRow>(sql).await?);
    }
    first_by_id(found, limit)
}

/// A page of a workspace's tasks after `after`, by id, for a chore.
pub async fn load_page(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Task>> {
    let mut found = Vec::new();
    for sql in pages_by_id(COLUMNS, workspace, after, limit, |_| ()) {
        found.append(&mut tx.select::<TaskRow>(sql).await?);
    }
    first_by_id(found, limit)
}

/// The statements that read these columns of a workspace's tasks `t`, by id.
///
/// An id that the server made contains the moment of creation, so the index by creation has these tasks in the order of
/// their ids. Tasks whose ids clients made earlier are in a small separate index. So no large index by id is needed,
/// and every write changes one page less.
pub(super) fn pages_by_id(
    columns: &str,
    workspace: WorkspaceId,
    after: Uuid,
    limit: i64,
    narrow: impl Fn(&mut Sql),
) -> [Sql; 2] {
    let moment = Some(moment_ms(after));
    let dated = (
        true,
        "tasks_by_workspace",
        "t.workspace_id, t.created_at, t.id",
        moment,
    );
    let undated = (false, "tasks", "t.workspace_id, t.id", None);
    [dated, undated].map(|(dated_by_id, table, order, moment)| {
        // a range, because with `workspace_id = …` PostgreSQL tends to scan the primary key, which has the tasks of all
        // workspaces
        let mut sql = Sql::new(&format!("select {columns} from {table} t where ({order}) > ("));
        sql.bind(workspace.0);
        if let Some(ms) = moment {
            sql.push(", ").bind(ms);
        }
        sql.push(", ")
            .bind(after)
            .push(") and t.workspace_id <= ")
            .bind(workspace.0);
        sql.push(&format!(" and t.dated_by_id = {dated_by_id}"));
        narrow(&mut sql);
        sql.push(&format!(" order by {order}")).limit(limit);
        sql
    })
}

fn first_by_id(mut found: Vec<TaskRow>, limit: i64) -> Result<Vec<Task>> {
    found.sort_by_key(|task| task.id);
    found.truncate(usize::try_from(limit).unwrap_or_default());
    rows::read(found)
}
