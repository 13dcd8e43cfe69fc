//! What a file of a workspace needs beside its tasks in the order of their ids: which tasks come after a parent that is
//! newer than they are, and what else belongs to each task.

use super::read::pages_by_id;
use super::row::{COLUMNS, TaskRow};
use crate::store::sql::Sql;
use crate::store::{Reader, Result};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, WorkspaceId};
use uuid::Uuid;

/// What belongs to a task and has records of its own.
#[derive(Clone, Debug)]
pub struct Belongings {
    /// The task.
    pub id: TaskId,
    /// What blocks it.
    pub blocked_by: Vec<TaskId>,
    /// How many comments it has.
    pub comments: i64,
    /// How many attachments it has.
    pub attachments: i64,
}

/// What belongs to a page of a workspace's tasks after `after`, by id, deleted ones included.
pub async fn belongings(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Belongings>> {
    let columns = "t.id, t.blocked_by, t.comment_count, t.attachment_count";
    let mut found: Vec<(Uuid, Option<String>, i64, i64)> = Vec::new();
    for sql in pages_by_id(columns, workspace, after.unwrap_or_default(), limit, |_| ()) {
        found.append(&mut reader.fetch(sql).await?);
    }
    found.sort_unstable_by_key(|(id, ..)| *id);
    found.truncate(usize::try_from(limit).unwrap_or_default());
    let read = found.into_iter().map(|(id, blocked_by, comments, attachments)| {
        Ok(Belongings {
            id: TaskId(id),
            blocked_by: blocked_by.map_or(Ok(Vec::new()), |list| serde_json::from_str(&list))?,
            comments,
            attachments,
        })
    });
    read.collect()
}

/// These tasks with their parents, as far as they have one.
pub async fn parents(reader: &mut Reader, tasks: &[TaskId]) -> Result<Vec<(TaskId, TaskId)>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("select id, parent_id from tasks where parent_id is not null");
    sql.among("id", Some(tasks));
    let found: Vec<(Uuid, Uuid)> = reader.fetch(sql).await?;
    Ok(found
        .into_iter()
        .map(|(id, parent)| (TaskId(id), TaskId(parent)))
        .collect())
}

/// These tasks, as far as the workspace still has them, by id.
pub async fn still_there(reader: &mut Reader, workspace: WorkspaceId, ids: &[TaskId]) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.workspace_id = "));
    sql.bind(workspace.0);
    sql.among("t.id", Some(ids)).push(" order by t.id");
    reader.list::<TaskRow>(sql).await
}

/// Which of these tasks have subtasks whose ids are before theirs.
pub async fn with_earlier_subtasks(reader: &mut Reader, tasks: &[TaskId]) -> Result<Vec<TaskId>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new("select distinct parent_id from tasks where id < parent_id");
    sql.among("parent_id", Some(tasks));
    let found: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id,)| TaskId(id)).collect())
}

/// A page of the subtasks of a task whose ids are before `before`, by id, after `after`.
pub async fn earlier_subtasks(
    reader: &mut Reader,
    parent: TaskId,
    before: TaskId,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.parent_id = "));
    sql.bind(parent.0).push(" and t.id < ").bind(before.0);
    sql.page("t.id", after, limit);
    reader.list::<TaskRow>(sql).await
}
