//! Writes the tasks that a group changed.

use super::row::{TaskRow, priority_code};
use super::{marks, stage};
use crate::ids::moment_ms;
use crate::store::bind::{
    Cell,
    Kind::{self, Id, Int, Text},
};
use crate::store::entity::{Changes, Keyed};
use crate::store::statement::{Batch, RowType, Statement, statement, statement_of};
use crate::store::table::{Part, text, with};
use crate::store::{Result, Transaction, alarms, repeats, words};
use crate::unicode::title_key;
use std::sync::Arc;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp};
use uuid::Uuid;

/// The columns that are written: those of the table, and what only PostgreSQL keeps here: the words of full-text search, the
/// key that orders titles, and the task's version at which both were made.
pub(in crate::store) static WRITTEN: [(&str, Kind); 31] = with(
    TaskRow::TABLE.written,
    [("search", Text), ("title_key", Text), ("texts_at", Int)],
);

const INSERTED: &str = text![
    Part::Plain("insert into tasks ("),
    Part::Each("$", TaskRow::TABLE.written),
    Part::Plain("{postgres:, search, title_key, texts_at, words_at}) select "),
    Part::Each("$", TaskRow::TABLE.written),
    Part::Plain("{postgres:, search::tsvector, title_key, texts_at, version} from v where {rows}"),
];

static INSERT: Statement = statement_of(RowType::Task, &WRITTEN, INSERTED);

static REPLACE: Statement = statement_of(
    RowType::Task,
    &WRITTEN,
    text![
        Part::Plain(INSERTED),
        Part::Plain(" on conflict (id) do update set "),
        Part::Changing("$ = excluded.$", TaskRow::TABLE),
        Part::Plain(
            "{postgres:, search = excluded.search, title_key = excluded.title_key, texts_at = excluded.texts_at,
              words_at = excluded.words_at}"
        ),
    ],
);

pub(in crate::store) static DELETE: Statement = statement(
    &[("id", Id)],
    "delete from tasks where id in (select id from v where {rows})",
);

impl Keyed<TaskId, Task> for Task {
    fn keyed(self) -> (TaskId, Task) {
        (self.id, self)
    }
}

/// Writes the tasks that a group made or changed, deletes those that it purged, and updates the tables that find tasks
/// by tag, by assignee and by what blocks them, and the alarms.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, TaskId, Task>) -> Result<()> {
    let changes: Vec<_> = changes.collect();
    let in_row = !tx.is_alone();
    for (is_new, statement) in [(true, &INSERT), (false, &REPLACE)] {
        let written = changes
            .iter()
            .filter(|change| change.before.is_none() == is_new)
            .filter_map(|change| change.now);
        let rows = written.map(|task| cells(task, texts(task, in_row)));
        tx.execute(statement, Batch::of(rows)).await?;
    }
    let removed = || Batch::ids(changes.iter().copied().removed());
    tx.execute(&DELETE, removed()).await?;
    repeats::forget(tx, removed()).await?;
    alarms::follow(tx, &changes).await?;
    marks::write(tx, &changes).await
}

/// A task in the order of [`WRITTEN`].
fn cells(task: &Task, [search, title_key, texts_at]: [Cell; 3]) -> [Cell; WRITTEN.len()] {
    let time = |time: Option<Timestamp>| Cell::Int(time.map(|t| t.0));
    let (stage, done_stage) = stage::cells(task);
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
        stage,
        done_stage,
        Cell::Text((!task.blocked_by.is_empty()).then(|| list(&task.blocked_by))),
        (moment_ms(task.id.0) == task.created_at.0).into(),
        search,
        title_key,
        texts_at,
    ]
}

fn list<T: serde::Serialize>(items: &[T]) -> Arc<str> {
    if items.is_empty() {
        "[]".into()
    } else {
        serde_json::to_string(items).unwrap_or_default().into()
    }
}

/// What is kept of a task's texts, where its row has it.
fn texts(task: &Task, in_row: bool) -> [Cell; 3] {
    if !in_row {
        return [Cell::Text(None), Cell::Text(None), Cell::Int(None)];
    }
    [
        vector(task).into(),
        title_key(&task.title).into(),
        task.version.into(),
    ]
}

/// The words by which a task is found.
fn vector(task: &Task) -> String {
    let texts = [Some(&*task.title), task.description.as_deref()];
    let tags = task.tags.iter().map(AsRef::as_ref);
    words::vector(task.workspace_id, texts.into_iter().flatten().chain(tags))
}
