//! The table of tasks that repeat: where each one stands in the series of its rule. Does not know rules.

use super::bind::Kind::Id;
use super::entity::{Changes, Keyed};
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text, upsert};
use super::{Reader, Result, Transaction};
use std::sync::Arc;
use taskwire_protocol::TaskId;
use uuid::Uuid;

/// Where a task stands in the series of its rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The task.
    pub task: TaskId,
    /// The rule of the series: a task that got another one begins a series.
    pub rule: Arc<str>,
    /// Whether the series is one of days.
    pub all_day: bool,
    /// The task's date in the series, by the clock on the wall, as if that were UTC. Its due date may have been changed.
    pub local_at: i64,
    /// Its number in the series, from 1.
    pub number: i64,
    /// The task after it was made.
    pub has_next: bool,
}

table! {
    /// A repeating task's row.
    struct RepeatRow {
        task_id: Uuid = fixed,
        rule: String,
        all_day: bool,
        local_at: i64,
        number: i64,
        has_next: bool,
    }
}

impl Stored for RepeatRow {
    type Value = Repeat;

    fn read(self) -> Result<Repeat> {
        Ok(Repeat {
            task: TaskId(self.task_id),
            rule: self.rule.into(),
            all_day: self.all_day,
            local_at: self.local_at,
            number: self.number,
            has_next: self.has_next,
        })
    }
}

impl Keyed<TaskId, Repeat> for Repeat {
    fn keyed(self) -> (TaskId, Repeat) {
        (self.task, self)
    }
}

pub(super) static LOAD: Statement = statement(
    &[("id", Id)],
    text![
        Part::Plain("select "),
        Part::Each("r.$", RepeatRow::TABLE.read),
        Part::Plain(" from v cross join repeats r where r.task_id = v.id and {rows}"),
    ],
);

/// The places of these tasks.
pub async fn load(tx: &mut Transaction, tasks: impl IntoIterator<Item = TaskId>) -> Result<Vec<Repeat>> {
    tx.load::<RepeatRow>(&LOAD, Batch::ids(tasks)).await
}

/// By which clocks a task repeats, and where it stands in the series of the rule that it has.
#[derive(Clone, Debug)]
pub struct Place {
    /// The name of the time zone of its creator, whose clocks count.
    pub zone: String,
    /// Its date in the series by the clock on the wall, and its number, if it is known.
    pub at: Option<(i64, i64)>,
    /// The task after it was made.
    pub has_next: bool,
}

/// A task, the zone, and what its row has, if it has one.
type Found = (Uuid, String, Option<i64>, Option<i64>, Option<bool>);

/// The places of tasks that repeat.
pub async fn places(reader: &mut Reader, tasks: &[TaskId]) -> Result<Vec<(TaskId, Place)>> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(
        "select t.id, u.timezone, r.local_at, r.number, r.has_next
         from tasks t join users u on u.id = t.created_by
         left join repeats r on r.task_id = t.id and r.rule = t.recurrence and r.all_day = t.all_day
         where t.recurrence is not null",
    );
    sql.among("t.id", Some(tasks));
    let found: Vec<Found> = reader.fetch(sql).await?;
    let places = found.into_iter().map(|(id, zone, local_at, number, has_next)| {
        let at = local_at.zip(number);
        let has_next = has_next.unwrap_or_default();
        (TaskId(id), Place { zone, at, has_next })
    });
    Ok(places.collect())
}

static UPSERT: Statement = statement(
    RepeatRow::TABLE.written,
    upsert!("repeats", "task_id", RepeatRow::TABLE),
);

/// Writes the places that a group made or changed.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, TaskId, Repeat>) -> Result<()> {
    changes.keep_all("places of repeating tasks")?;
    let rows = changes.written().map(|(_, repeat)| {
        [
            repeat.task.0.into(),
            repeat.rule.clone().into(),
            repeat.all_day.into(),
            repeat.local_at.into(),
            repeat.number.into(),
            repeat.has_next.into(),
        ]
    });
    tx.execute(&UPSERT, Batch::of(rows)).await
}

pub(super) static FORGET: Statement = statement(
    &[("id", Id)],
    "delete from repeats where task_id in (select id from v where {rows})",
);

/// Forgets tasks that are purged.
pub(super) async fn forget(tx: &mut Transaction, tasks: Batch) -> Result<()> {
    tx.execute(&FORGET, tasks).await
}
