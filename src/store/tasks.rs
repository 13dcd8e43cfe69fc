//! Tasks: their rows, and the two tables that find them by tag and by assignee.

use super::bind::{
    Cell,
    Kind::{Bool, Id, Int, Text},
};
use super::entity::{Changes, Keyed};
use super::statement::{Batch, Columns, Sql, Statement, statement, statement_of};
use super::transaction::RowType;
use super::{Reader, Result, StoreError, Transaction, words};
use crate::ids::moment_ms;
use std::sync::Arc;
use taskwire_protocol::task::{Priority, Task};
use taskwire_protocol::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

#[derive(sqlx::FromRow)]
pub(super) struct TaskRow {
    id: Uuid,
    workspace_id: Uuid,
    project_id: Option<Uuid>,
    parent_id: Option<Uuid>,
    title: String,
    description: Option<String>,
    completed: bool,
    completed_at: Option<i64>,
    priority: i64,
    due_at: Option<i64>,
    all_day: bool,
    remind_at: Option<i64>,
    recurrence: Option<String>,
    position: String,
    tags: String,
    assignee_ids: String,
    comment_count: i64,
    attachment_count: i64,
    is_deleted: bool,
    deleted_at: Option<i64>,
    version: i64,
    created_by: Uuid,
    created_at: i64,
    updated_at: i64,
}

pub(super) const COLUMNS: &str = "t.id, t.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, \
    t.completed_at, t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, \
    t.comment_count, t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, t.created_at, t.updated_at";

const PRIORITIES: [Priority; 5] = [
    Priority::None,
    Priority::Low,
    Priority::Medium,
    Priority::High,
    Priority::Urgent,
];

pub(super) fn priority_code(priority: Priority) -> i64 {
    PRIORITIES.iter().position(|p| *p == priority).unwrap_or_default() as i64
}

impl TaskRow {
    pub(super) fn read(self) -> Result<Task> {
        let priority = usize::try_from(self.priority)
            .ok()
            .and_then(|code| PRIORITIES.get(code));
        Ok(Task {
            id: TaskId(self.id),
            workspace_id: WorkspaceId(self.workspace_id),
            project_id: self.project_id.map(ProjectId),
            parent_id: self.parent_id.map(TaskId),
            title: self.title.into(),
            description: self.description.map(Arc::from),
            completed: self.completed,
            completed_at: self.completed_at.map(Timestamp),
            priority: *priority
                .ok_or_else(|| StoreError::corrupt(format!("{} is no priority", self.priority)))?,
            due_at: self.due_at.map(Timestamp),
            all_day: self.all_day,
            remind_at: self.remind_at.map(Timestamp),
            recurrence: self.recurrence.map(Arc::from),
            position: self.position.into(),
            tags: if self.tags == "[]" {
                Vec::new()
            } else {
                serde_json::from_str(&self.tags)?
            },
            assignee_ids: if self.assignee_ids == "[]" {
                Vec::new()
            } else {
                serde_json::from_str(&self.assignee_ids)?
            },
            comment_count: self.comment_count,
            attachment_count: self.attachment_count,
            is_deleted: self.is_deleted,
            deleted_at: self.deleted_at.map(Timestamp),
            version: self.version,
            created_by: UserId(self.created_by),
            created_at: Timestamp(self.created_at),
            updated_at: Timestamp(self.updated_at),
        })
    }
}

pub(super) fn read(rows: Vec<TaskRow>) -> Result<Vec<Task>> {
    rows.into_iter().map(TaskRow::read).collect()
}

/// The task with this id.
pub async fn find(reader: &mut Reader, id: TaskId) -> Result<Option<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.id = "));
    sql.bind(id.0);
    reader.find::<TaskRow>(sql).await?.map(TaskRow::read).transpose()
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

/// A workspace's tasks after an id, by id, as far as they meet the conditions that `narrow` appends.
///
/// An id that the server makes contains the time of creation, so the index by creation has those tasks in order of ids.
/// Tasks whose ids clients made earlier have a small index of their own. This saves one large index, and so one page in
/// every write.
pub(super) async fn by_id(
    reader: &mut Reader,
    workspace: WorkspaceId,
    after: Uuid,
    limit: i64,
    narrow: impl Fn(&mut Sql),
) -> Result<Vec<Task>> {
    let moment = Some(moment_ms(after));
    let dated = (
        true,
        "tasks_by_workspace",
        "t.workspace_id, t.created_at, t.id",
        moment,
    );
    let undated = (false, "tasks", "t.workspace_id, t.id", None);
    let mut tasks = Vec::new();
    for (dated_by_id, table, order, moment) in [dated, undated] {
        // a range, because with `workspace_id = …` PostgreSQL likes to walk along the primary key, past everybody's tasks
        let mut sql = Sql::new(&format!("select {COLUMNS} from {table} t where ({order}) > ("));
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
        sql.push(&format!(" order by {order} limit ")).bind(limit);
        tasks.append(&mut reader.fetch::<TaskRow>(sql).await?);
    }
    tasks.sort_by_key(|task| task.id);
    tasks.truncate(usize::try_from(limit).unwrap_or_default());
    read(tasks)
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    "select t.id, t.workspace_id, t.project_id, t.parent_id, t.title, t.description, t.completed, t.completed_at,
       t.priority, t.due_at, t.all_day, t.remind_at, t.recurrence, t.position, t.tags, t.assignee_ids, t.comment_count,
       t.attachment_count, t.is_deleted, t.deleted_at, t.version, t.created_by, t.created_at, t.updated_at
     from v cross join tasks t where t.id = v.id and {rows}",
);

/// The tasks with these ids.
pub async fn load(tx: &mut Transaction, ids: impl IntoIterator<Item = TaskId>) -> Result<Vec<Task>> {
    read(
        tx.fetch(&LOAD, Batch::of(ids.into_iter().map(|id| [id.0.into()])))
            .await?,
    )
}

/// The parts of a task.
pub async fn load_children(tx: &mut Transaction, parent: TaskId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks t where t.parent_id = "));
    sql.bind(parent.0).push(" order by t.id");
    read(tx.select(sql).await?)
}

/// The tasks that somebody does in a workspace.
pub async fn load_assigned(tx: &mut Transaction, workspace: WorkspaceId, user: UserId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from task_assignees a join tasks t on t.id = a.task_id where a.user_id = "
    ));
    sql.bind(user.0).push(" and a.workspace_id = ").bind(workspace.0);
    sql.push(" order by a.task_id");
    read(tx.select(sql).await?)
}

/// The tasks above a task, nearest first: its parent, the parent's parent, …
pub async fn load_ancestors(tx: &mut Transaction, task: TaskId) -> Result<Vec<Task>> {
    let mut sql = Sql::new(
        "with recursive up (id, parent_id, depth) as (
           select t.id, t.parent_id, 0 from tasks t where t.id = ",
    );
    sql.bind(task.0).push(
        " union all select t.id, t.parent_id, up.depth + 1 from up join tasks t on t.id = up.parent_id
          where up.depth < 1000) ",
    );
    sql.push(&format!(
        "select {COLUMNS} from up join tasks t on t.id = up.id order by up.depth"
    ));
    read(tx.select(sql).await?)
}

/// The nearest tasks before (or after) a place in a workspace's order by hand.
pub async fn load_neighbours(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    (position, id): (&str, TaskId),
    before: bool,
    limit: i64,
) -> Result<Vec<Task>> {
    let mut sql = Sql::new(&format!(
        "select {COLUMNS} from tasks_by_workspace t where t.workspace_id = "
    ));
    sql.bind(workspace.0);
    sql.push(if before {
        " and (t.position, t.id) < ("
    } else {
        " and (t.position, t.id) > ("
    });
    sql.bind(position).push(", ").bind(id.0).push(")");
    sql.push(if before {
        " order by t.position desc, t.id desc limit "
    } else {
        " order by t.position, t.id limit "
    });
    sql.bind(limit);
    read(tx.select(sql).await?)
}

const WRITTEN: Columns = &[
    ("id", Id),
    ("workspace_id", Id),
    ("project_id", Id),
    ("parent_id", Id),
    ("title", Text),
    ("description", Text),
    ("completed", Bool),
    ("completed_at", Int),
    ("priority", Int),
    ("due_at", Int),
    ("all_day", Bool),
    ("remind_at", Int),
    ("recurrence", Text),
    ("position", Text),
    ("tags", Text),
    ("assignee_ids", Text),
    ("comment_count", Int),
    ("attachment_count", Int),
    ("is_deleted", Bool),
    ("deleted_at", Int),
    ("version", Int),
    ("created_by", Id),
    ("created_at", Int),
    ("updated_at", Int),
    ("dated_by_id", Bool),
    // PostgreSQL alone wants the words
    ("search", Text),
];

macro_rules! insert {
    ($more:literal) => {
        concat!(
            "insert into tasks (id, workspace_id, project_id, parent_id, title, description, completed, completed_at,
               priority, due_at, all_day, remind_at, recurrence, position, tags, assignee_ids, comment_count,
               attachment_count, is_deleted, deleted_at, version, created_by, created_at, updated_at, dated_by_id
               {postgres:, search})
             select id, workspace_id, project_id, parent_id, title, description, completed, completed_at,
               priority, due_at, all_day, remind_at, recurrence, position, tags, assignee_ids, comment_count,
               attachment_count, is_deleted, deleted_at, version, created_by, created_at, updated_at, dated_by_id
               {postgres:, search::tsvector}
             from v where {rows}",
            $more
        )
    };
}

static INSERT: Statement = statement_of(RowType::Task, WRITTEN, insert!(""));
static REPLACE: Statement = statement_of(
    RowType::Task,
    WRITTEN,
    insert!(
        " on conflict (id) do update set project_id = excluded.project_id, parent_id = excluded.parent_id,
            title = excluded.title, description = excluded.description, completed = excluded.completed,
            completed_at = excluded.completed_at, priority = excluded.priority, due_at = excluded.due_at,
            all_day = excluded.all_day, remind_at = excluded.remind_at, recurrence = excluded.recurrence,
            position = excluded.position, tags = excluded.tags, assignee_ids = excluded.assignee_ids,
            comment_count = excluded.comment_count, attachment_count = excluded.attachment_count,
            is_deleted = excluded.is_deleted, deleted_at = excluded.deleted_at, version = excluded.version,
            updated_at = excluded.updated_at{postgres:, search = excluded.search}"
    ),
);

fn cells(task: &Task, search: Cell) -> [Cell; 26] {
    let time = |time: Option<Timestamp>| Cell::Int(time.map(|t| t.0));
    [
        task.id.0.into(),
        task.workspace_id.0.into(),
        Cell::Id(task.project_id.map(Uuid::from)),
        Cell::Id(task.parent_id.map(Uuid::from)),
        task.title.clone().into(),
        Cell::Text(task.description.clone()),
        task.completed.into(),
        time(task.completed_at),
        priority_code(task.priority).into(),
        time(task.due_at),
        task.all_day.into(),
        time(task.remind_at),
        Cell::Text(task.recurrence.clone()),
        task.position.clone().into(),
        list(&task.tags).into(),
        list(&task.assignee_ids).into(),
        task.comment_count.into(),
        task.attachment_count.into(),
        task.is_deleted.into(),
        time(task.deleted_at),
        task.version.into(),
        task.created_by.0.into(),
        task.created_at.0.into(),
        task.updated_at.0.into(),
        (moment_ms(task.id.0) == task.created_at.0).into(),
        search,
    ]
}

fn list<T: serde::Serialize>(items: &[T]) -> Arc<str> {
    if items.is_empty() {
        "[]".into()
    } else {
        serde_json::to_string(items).unwrap_or_default().into()
    }
}

/// What a task is found by.
fn vector(task: &Task) -> String {
    let texts = [Some(&*task.title), task.description.as_deref()];
    let tags = task.tags.iter().map(AsRef::as_ref);
    words::vector(texts.into_iter().flatten().chain(tags))
}

impl Keyed<TaskId, Task> for Task {
    fn keyed(self) -> (TaskId, Task) {
        (self.id, self)
    }
}

/// Writes the tasks that a group made or changed, deletes those that it purged, and keeps the tables in step that find
/// tasks by tag and by assignee.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, TaskId, Task>) -> Result<()> {
    let changes: Vec<_> = changes.collect();
    let changes = changes.iter().copied();
    for (is_new, statement) in [(true, &INSERT), (false, &REPLACE)] {
        let searched = !tx.is_alone();
        let written = changes
            .clone()
            .filter(|change| change.before.is_none() == is_new)
            .filter_map(|change| change.now);
        let rows = written.map(|task| cells(task, Cell::Text(searched.then(|| vector(task).into()))));
        tx.execute(statement, Batch::of(rows)).await?;
    }
    let gone = changes.removed().map(|id| [id.0.into()]);
    tx.execute(&DELETE, Batch::of(gone)).await?;
    reindex(tx, changes).await
}

pub(super) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from tasks where id in (select id from v where {rows})",
);

static TAG: Statement = statement(
    &[("workspace_id", Id), ("tag", Text), ("task_id", Id)],
    "insert into task_tags (workspace_id, tag, task_id) select workspace_id, tag, task_id from v where {rows}
     on conflict do nothing",
);
pub(super) static UNTAG: Statement = statement(
    &[("workspace_id", Id), ("tag", Text), ("task_id", Id)],
    "delete from task_tags where (workspace_id, tag, task_id) in (select workspace_id, tag, task_id from v where {rows})",
);
static ASSIGN: Statement = statement(
    &[("user_id", Id), ("workspace_id", Id), ("task_id", Id)],
    "insert into task_assignees (user_id, workspace_id, task_id) select user_id, workspace_id, task_id from v
     where {rows} on conflict do nothing",
);
pub(super) static UNASSIGN: Statement = statement(
    &[("user_id", Id), ("workspace_id", Id), ("task_id", Id)],
    "delete from task_assignees
     where (user_id, workspace_id, task_id) in (select user_id, workspace_id, task_id from v where {rows})",
);

/// Keeps the tables in step that find tasks by tag and by assignee.
async fn reindex<'a>(tx: &mut Transaction, changes: impl Changes<'a, TaskId, Task>) -> Result<()> {
    let tags = |one: Option<&Task>, other: Option<&Task>| -> Vec<[Cell; 3]> {
        let Some(task) = one else { return Vec::new() };
        let gone = task
            .tags
            .iter()
            .filter(|tag| !other.is_some_and(|other| other.tags.contains(tag)));
        gone.map(|tag| [task.workspace_id.0.into(), tag.clone().into(), task.id.0.into()])
            .collect()
    };
    let people = |one: Option<&Task>, other: Option<&Task>| -> Vec<[Cell; 3]> {
        let Some(task) = one else { return Vec::new() };
        let gone = task
            .assignee_ids
            .iter()
            .filter(|id| !other.is_some_and(|other| other.assignee_ids.contains(id)));
        gone.map(|user| [user.0.into(), task.workspace_id.0.into(), task.id.0.into()])
            .collect()
    };
    let removed_tags = changes.clone().flat_map(|change| tags(change.before, change.now));
    tx.execute(&UNTAG, Batch::of(removed_tags)).await?;
    let added_tags = changes.clone().flat_map(|change| tags(change.now, change.before));
    tx.execute(&TAG, Batch::of(added_tags)).await?;
    let removed_people = changes
        .clone()
        .flat_map(|change| people(change.before, change.now));
    tx.execute(&UNASSIGN, Batch::of(removed_people)).await?;
    let added_people = changes.flat_map(|change| people(change.now, change.before));
    tx.execute(&ASSIGN, Batch::of(added_people)).await
}
