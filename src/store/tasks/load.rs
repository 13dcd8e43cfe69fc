//! Tasks as a group needs them in memory: by their ids, and by their relations to others.

use super::row::{COLUMNS, TaskRow};
use super::stage;
use crate::store::bind::Kind::Id;
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::table::{Part, text};
use crate::store::{Reader, Result, Transaction};
use crate::unicode::name_key;
use taskwire_protocol::tag::Tag;
use taskwire_protocol::task::Task;
use taskwire_protocol::{ProjectId, TaskId, UserId, WorkspaceId};
use uuid::Uuid;

pub(in crate::store) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(" from v cross join tasks t where t.id = v.id and {rows}"),
    ],
);

/// The tasks with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = TaskId>) -> Result<Vec<Task>> {
    tx.load::<TaskRow>(&LOAD, Batch::ids(ids)).await
}

pub(in crate::store) static SUBTASKS: Statement = statement(
    &[("id", Id)],
    "select v.id, (select count(*) from tasks t where t.parent_id = v.id and t.is_deleted = false) from v where {rows}",
);

/// How many subtasks each of these tasks has, without deleted ones.
pub async fn count_subtasks(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Vec<(TaskId, u64)>> {
    let counted: Vec<(Uuid, i64)> = tx.fetch(&SUBTASKS, Batch::ids(tasks)).await?;
    let counted = counted.into_iter();
    Ok(counted
        .map(|(task, number)| (TaskId(task), number.unsigned_abs()))
        .collect())
}

/// How many tasks below others a group holds.
pub const MOST_BELOW: usize = 20_000;

/// The first part has what is right below a task of the list, the second what is right below a subtask that is not in the
/// list: so no task is in both. The limit is one more than [`MOST_BELOW`].
pub(in crate::store) static BELOW: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(" from v cross join tasks t where t.parent_id = v.id and {rows} union all select "),
        Part::Each("t.$", TaskRow::TABLE.read),
        Part::Plain(
            " from v cross join tasks s cross join tasks t where s.parent_id = v.id and t.parent_id = s.id
              and s.id not in (select v.id from v where {rows}) and {rows} limit 20001"
        ),
    ],
);

/// The subtasks of these tasks, and the subtasks of those. `None` if they are more than [`MOST_BELOW`].
pub async fn load_below(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Option<Vec<Task>>> {
    let below = tx.load::<TaskRow>(&BELOW, Batch::ids(tasks)).await?;
    Ok((below.len() <= MOST_BELOW).then_some(below))
}

/// How many tasks an import looks at together that block others.
pub const MOST_BEFORE: usize = 20_000;

/// These tasks and all tasks that block them, directly or through others: the nearest `limit` of them.
pub async fn load_blockers(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
    limit: i64,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new("with recursive up (id) as (select id from tasks where id in (");
    sql.bind_all(tasks.into_iter().map(|task| task.0)).push(
        ") union select b.blocker_id from up join task_blocks b on b.task_id = up.id),
          nearest as (select id from up",
    );
    sql.limit(limit);
    sql.push(&format!(
        ") select {COLUMNS} from nearest join tasks t on t.id = nearest.id"
    ));
    tx.list::<TaskRow>(sql).await
}

/// How many tasks that others block a group holds.
pub const MOST_BLOCKED: usize = 20_000;

/// The tasks that these tasks block. `None` if they are more than [`MOST_BLOCKED`].
pub async fn load_blocked(
    tx: &mut Transaction,
    tasks: impl IntoIterator<Item = TaskId>,
) -> Result<Option<Vec<Task>>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from task_blocks b join tasks t on t.id = b.task_id where b.blocker_id in ("
    ));
    sql.bind_all(tasks.into_iter().map(|id| id.0));
    sql.push(")").limit(MOST_BLOCKED as i64 + 1);
    let blocked = tx.list::<TaskRow>(sql).await?;
    Ok((blocked.len() <= MOST_BLOCKED).then_some(blocked))
}

/// Tasks that were deleted before a moment, those deleted last first, after the one that the previous page ended with: when
/// each was deleted, its id and its workspace. What was deleted together comes with the newest task first, so mostly subtasks
/// before their parents.
pub async fn deleted_before(
    reader: &mut Reader,
    (deleted_at, id): (i64, Uuid),
    limit: i64,
) -> Result<Vec<(i64, TaskId, WorkspaceId)>> {
    let mut sql = Sql::new(
        "select deleted_at, id, workspace_id from tasks where deleted_at is not null and (deleted_at, id) < (",
    );
    sql.bind(deleted_at).push(", ").bind(id);
    sql.push(") order by deleted_at desc, id desc").limit(limit);
    let rows: Vec<(i64, Uuid, Uuid)> = reader.fetch(sql).await?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(at, task, home)| (at, TaskId(task), WorkspaceId(home)))
        .collect())
}

/// Tasks of a workspace that are in one of these stages, deleted ones included, at most `limit`.
pub async fn load_in_stages(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    stages: &[&str],
    limit: i64,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from tasks_by_workspace t where t.workspace_id = "
    ));
    sql.bind(workspace.0).push(" and ");
    stage::is_in(&mut sql, stages);
    sql.limit(limit);
    tx.list::<TaskRow>(sql).await
}

/// The tasks of a workspace that a user is assigned to.
pub async fn load_assigned(tx: &mut Transaction, workspace: WorkspaceId, user: UserId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from task_assignees a join tasks t on t.id = a.task_id where a.user_id = "
    ));
    sql.bind(user.0).push(" and a.workspace_id = ").bind(workspace.0);
    sql.push(" order by a.task_id");
    tx.list::<TaskRow>(sql).await
}

/// The tasks of a project.
pub async fn load_of_project(tx: &mut Transaction, project: ProjectId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.project_id = "));
    sql.bind(project.0).push(" order by t.id");
    tx.list::<TaskRow>(sql).await
}

/// The tasks that carry a tag, deleted ones included, at most `limit`.
pub async fn load_tagged(tx: &mut Transaction, tag: &Tag, limit: i64) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from task_tags g join tasks t on t.id = g.task_id where g.workspace_id = "
    ));
    sql.bind(tag.workspace_id.0).push(" and g.tag = ");
    sql.bind(name_key(&tag.name))
        .push(" order by g.task_id")
        .limit(limit);
    tx.list::<TaskRow>(sql).await
}

/// A task and its ancestors, nearest first: the task, its parent, and the parent's parent. Tasks nest no deeper; deeper
/// ancestors, which an older version allowed, are not needed.
pub async fn load_ancestors(tx: &mut Transaction, task: TaskId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(
        "with recursive up (id, parent_id, depth) as (
           select t.id, t.parent_id, 0 from tasks t where t.id = ",
    );
    sql.bind(task.0).push(
        " union all select t.id, t.parent_id, up.depth + 1 from up join tasks t on t.id = up.parent_id
          where up.depth < 2) ",
    );
    sql.push(&format!(
        "select {COLUMNS} from up join tasks t on t.id = up.id order by up.depth"
    ));
    tx.list::<TaskRow>(sql).await
}

/// The nearest tasks before or after a position in a workspace's manual order.
pub async fn load_neighbours(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    (position, id): (&str, TaskId),
    before: bool,
    limit: i64,
) -> Result<Vec<Task>> {
    let (beyond, order) = if before {
        ("<", "t.position desc, t.id desc")
    } else {
        (">", "t.position, t.id")
    };
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from tasks_by_workspace t where t.workspace_id = "
    ));
    sql.bind(workspace.0);
    sql.push(&format!(" and (t.position, t.id) {beyond} ("))
        .bind(position)
        .push(", ")
        .bind(id.0);
    sql.push(&format!(") order by {order}")).limit(limit);
    tx.list::<TaskRow>(sql).await
}
