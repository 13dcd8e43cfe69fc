//! The tables that find tasks by tag, by assignee, and by what blocks them.

use crate::store::bind::{
    Cell, Columns,
    Kind::{Id, Text},
};
use crate::store::entity::Change;
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::{Reader, Result, Transaction};
use crate::unicode::name_key;
use taskwire_protocol::TaskId;
use taskwire_protocol::task::Task;
use uuid::Uuid;

/// A tag is known by its key; `name` is how it is written.
const TAGS: Columns = &[
    ("workspace_id", Id),
    ("tag", Text),
    ("task_id", Id),
    ("name", Text),
];
const BLOCKS: Columns = &[("task_id", Id), ("blocker_id", Id)];
const ASSIGNEES: Columns = &[("user_id", Id), ("workspace_id", Id), ("task_id", Id)];

static TAG: Statement = statement(
    TAGS,
    "insert into task_tags (workspace_id, tag, task_id, name) select workspace_id, tag, task_id, name from v where {rows}
     on conflict do nothing",
);
pub(in crate::store) static UNTAG: Statement = statement(
    TAGS,
    "delete from task_tags where (workspace_id, tag, task_id) in (select workspace_id, tag, task_id from v where {rows})",
);
static ASSIGN: Statement = statement(
    ASSIGNEES,
    "insert into task_assignees (user_id, workspace_id, task_id) select user_id, workspace_id, task_id from v
     where {rows} on conflict do nothing",
);
pub(in crate::store) static UNASSIGN: Statement = statement(
    ASSIGNEES,
    "delete from task_assignees
     where (user_id, workspace_id, task_id) in (select user_id, workspace_id, task_id from v where {rows})",
);

static BLOCK: Statement = statement(
    BLOCKS,
    "insert into task_blocks (task_id, blocker_id) select task_id, blocker_id from v where {rows} on conflict do nothing",
);
pub(in crate::store) static UNBLOCK: Statement = statement(
    BLOCKS,
    "delete from task_blocks where (task_id, blocker_id) in (select task_id, blocker_id from v where {rows})",
);

/// Whether there are tags that an older version wrote.
pub async fn has_tags_to_key(reader: &mut Reader) -> Result<bool> {
    let sql = Sql::new("select exists (select 1 from task_tags where name is null)");
    Ok(reader.get::<(bool,)>(sql).await?.0)
}

/// Tags that an older version wrote have no name, and how they are written in the place of their key. Gives about `limit` of
/// them both; how many these are. Those of tasks that lost the tag meanwhile go.
pub async fn key_tags(tx: &mut Transaction, limit: i64) -> Result<usize> {
    let mut sql = Sql::new(
        "select g.workspace_id, g.tag, g.task_id, t.tags from task_tags g left join tasks t on t.id = g.task_id
         where g.name is null",
    );
    sql.limit(limit);
    let rows: Vec<(Uuid, String, Uuid, Option<String>)> = tx.select(sql).await?;
    let number = rows.len();
    let row = |(workspace, tag, task, _): &(Uuid, String, Uuid, _)| -> [Cell; 4] {
        let (key, name) = (name_key(tag), tag.as_str());
        [(*workspace).into(), key.into(), (*task).into(), name.into()]
    };
    let has_it = |(_, tag, _, tags): &&(Uuid, String, Uuid, Option<String>)| {
        let tags = tags
            .as_deref()
            .and_then(|tags| serde_json::from_str::<Vec<String>>(tags).ok());
        tags.is_some_and(|tags| tags.contains(tag))
    };
    let keyed = Batch::of(rows.iter().filter(has_it).map(row));
    let old = rows.iter().map(|(workspace, tag, task, _)| -> [Cell; 4] {
        [
            (*workspace).into(),
            tag.as_str().into(),
            (*task).into(),
            Cell::Text(None),
        ]
    });
    // at once: together with the next statement it would not see what that one writes
    tx.fetch::<()>(&UNTAG, Batch::of(old)).await?;
    tx.execute(&TAG, keyed).await?;
    Ok(number)
}

/// Keeps writers of PostgreSQL away from the tags until the transaction ends: otherwise a task that loses a tag while
/// its row is rewritten would keep the tag.
pub async fn lock_tags(tx: &mut Transaction) -> Result<()> {
    if tx.is_alone() {
        return Ok(());
    }
    tx.select::<()>(Sql::new("lock table task_tags in share row exclusive mode"))
        .await
        .map(drop)
}

/// Keeps the tables in step with what changed.
pub(super) async fn write(tx: &mut Transaction, changes: &[Change<'_, TaskId, Task>]) -> Result<()> {
    tx.execute(&UNTAG, removed(changes, tags)).await?;
    tx.execute(&TAG, added(changes, tags)).await?;
    tx.execute(&UNASSIGN, removed(changes, assignees)).await?;
    tx.execute(&ASSIGN, added(changes, assignees)).await?;
    tx.execute(&UNBLOCK, removed(changes, blockers)).await?;
    tx.execute(&BLOCK, added(changes, blockers)).await
}

/// The marks of a task that another state of it lacks.
type Marks<const N: usize> = fn(Option<&Task>, Option<&Task>) -> Vec<[Cell; N]>;

fn removed<const N: usize>(changes: &[Change<'_, TaskId, Task>], marks: Marks<N>) -> Batch {
    Batch::of(changes.iter().flat_map(|change| marks(change.before, change.now)))
}

fn added<const N: usize>(changes: &[Change<'_, TaskId, Task>], marks: Marks<N>) -> Batch {
    Batch::of(changes.iter().flat_map(|change| marks(change.now, change.before)))
}

fn tags(one: Option<&Task>, other: Option<&Task>) -> Vec<[Cell; 4]> {
    let Some(task) = one.filter(|task| !task.tags.is_empty()) else {
        return Vec::new();
    };
    let others = other.map(|other| other.tags.as_slice()).unwrap_or_default();
    if task.tags == others {
        return Vec::new();
    }
    let others: Vec<String> = others.iter().map(|tag| name_key(tag)).collect();
    let keyed = task.tags.iter().map(|tag| (name_key(tag), tag.clone()));
    let missing = keyed.filter(|(key, _)| !others.contains(key));
    missing
        .map(|(key, name)| {
            [
                task.workspace_id.0.into(),
                key.into(),
                task.id.0.into(),
                name.into(),
            ]
        })
        .collect()
}

fn assignees(one: Option<&Task>, other: Option<&Task>) -> Vec<[Cell; 3]> {
    let Some(task) = one else { return Vec::new() };
    let users = task.assignee_ids.iter();
    let missing = users.filter(|user| !other.is_some_and(|other| other.assignee_ids.contains(user)));
    missing
        .map(|user| [user.0.into(), task.workspace_id.0.into(), task.id.0.into()])
        .collect()
}

fn blockers(one: Option<&Task>, other: Option<&Task>) -> Vec<[Cell; 2]> {
    let Some(task) = one else { return Vec::new() };
    let tasks = task.blocked_by.iter();
    let missing = tasks.filter(|blocker| !other.is_some_and(|other| other.blocked_by.contains(blocker)));
    missing
        .map(|blocker| [task.id.0.into(), blocker.0.into()])
        .collect()
}
