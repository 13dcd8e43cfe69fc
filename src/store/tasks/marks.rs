//! The two tables that find tasks by tag and by assignee.

use crate::store::bind::{
    Cell, Columns,
    Kind::{Id, Text},
};
use crate::store::entity::Change;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::{Result, Transaction};
use taskwire_protocol::TaskId;
use taskwire_protocol::task::Task;

const TAGS: Columns = &[("workspace_id", Id), ("tag", Text), ("task_id", Id)];
const ASSIGNEES: Columns = &[("user_id", Id), ("workspace_id", Id), ("task_id", Id)];

static TAG: Statement = statement(
    TAGS,
    "insert into task_tags (workspace_id, tag, task_id) select workspace_id, tag, task_id from v where {rows}
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

/// Updates both tables after changes of tasks.
pub(super) async fn write(tx: &mut Transaction, changes: &[Change<'_, TaskId, Task>]) -> Result<()> {
    tx.execute(&UNTAG, removed(changes, tags)).await?;
    tx.execute(&TAG, added(changes, tags)).await?;
    tx.execute(&UNASSIGN, removed(changes, assignees)).await?;
    tx.execute(&ASSIGN, added(changes, assignees)).await
}

/// The rows for one state of a task that another state of it lacks.
type Marks = fn(Option<&Task>, Option<&Task>) -> Vec<[Cell; 3]>;

fn removed(changes: &[Change<'_, TaskId, Task>], marks: Marks) -> Batch {
    Batch::of(changes.iter().flat_map(|change| marks(change.before, change.now)))
}

fn added(changes: &[Change<'_, TaskId, Task>], marks: Marks) -> Batch {
    Batch::of(changes.iter().flat_map(|change| marks(change.now, change.before)))
}

fn tags(one: Option<&Task>, other: Option<&Task>) -> Vec<[Cell; 3]> {
    let Some(task) = one else { return Vec::new() };
    let tags = task.tags.iter();
    let missing = tags.filter(|tag| !other.is_some_and(|other| other.tags.contains(tag)));
    missing
        .map(|tag| [task.workspace_id.0.into(), tag.clone().into(), task.id.0.into()])
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
