//! How many tasks there are of each kind and by day: what changes of facts add up to, how it is written, and what is read.

use super::fact::{Fact, Pending};
use crate::store::bind::Kind::{Id, Int, Text};
use crate::store::sql::Sql;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::{Result, StoreError, Transaction};
use std::collections::BTreeMap;
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

/// Quarters of an hour in a day of UTC.
pub const QUARTERS: i64 = 96;

/// What tasks are counted by. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// All tasks, by status.
    Status = 1,
    /// Pending tasks, by priority.
    Priority = 2,
    /// Pending tasks, by project.
    Project = 3,
    /// Pending tasks, by assignee.
    Assignee = 4,
}

/// What happens on a day. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DayKind {
    Created = 1,
    Completed = 2,
    Due = 3,
    DueAllDay = 4,
}

pub(super) const PENDING: &str = "pending";
pub(super) const COMPLETED: &str = "completed";
pub(super) const DELETED: &str = "deleted";

/// How much each number changes.
#[derive(Default)]
pub(super) struct Tally {
    kinds: BTreeMap<(Kind, String), i64>,
    /// By kind and quarter.
    quarters: BTreeMap<(DayKind, i64), i64>,
}

impl Tally {
    /// Counts a fact `by` times: once more, or once less.
    pub(super) fn add(&mut self, fact: &Fact, by: i64) {
        let (status, created) = match fact {
            Fact::Pending(pending) => {
                self.add_pending(pending, by);
                (PENDING, Some(pending.created))
            }
            Fact::Completed(created, completed) => {
                if let Some(completed) = completed {
                    *self.quarters.entry((DayKind::Completed, *completed)).or_default() += by;
                }
                (COMPLETED, Some(*created))
            }
            Fact::Deleted => (DELETED, None),
        };
        self.add_kind(Kind::Status, status.to_owned(), by);
        if let Some(created) = created {
            *self.quarters.entry((DayKind::Created, created)).or_default() += by;
        }
    }

    fn add_pending(&mut self, pending: &Pending, by: i64) {
        self.add_kind(Kind::Priority, pending.priority.name().to_owned(), by);
        let project = pending.project.map(|id| id.to_string());
        self.add_kind(Kind::Project, project.unwrap_or_default(), by);
        for assignee in &pending.assignees {
            self.add_kind(Kind::Assignee, assignee.to_string(), by);
        }
        if pending.assignees.is_empty() {
            self.add_kind(Kind::Assignee, String::new(), by);
        }
        if let Some(due) = pending.due {
            let kind = if pending.all_day {
                DayKind::DueAllDay
            } else {
                DayKind::Due
            };
            *self.quarters.entry((kind, due)).or_default() += by;
        }
    }

    fn add_kind(&mut self, kind: Kind, key: String, by: i64) {
        *self.kinds.entry((kind, key)).or_default() += by;
    }

    /// Adds it to the stored numbers of a workspace, whose row of `tallies` is locked.
    pub(super) async fn write(self, tx: &mut Transaction, workspace: WorkspaceId) -> Result<()> {
        let is_less = self.kinds.values().any(|by| *by < 0);
        let kinds = self.kinds.into_iter().filter(|(_, by)| *by != 0);
        let rows =
            kinds.map(|((kind, key), by)| [workspace.0.into(), (kind as i64).into(), key.into(), by.into()]);
        tx.execute(&COUNT, Batch::of(rows)).await?;
        let mut days: BTreeMap<(i64, i64), BTreeMap<i64, i64>> = BTreeMap::new();
        for ((kind, quarter), by) in self.quarters.into_iter().filter(|(_, by)| *by != 0) {
            let day = (kind as i64, quarter.div_euclid(QUARTERS));
            days.entry(day)
                .or_default()
                .insert(quarter.rem_euclid(QUARTERS), by);
        }
        write_days(tx, workspace, days).await?;
        if is_less {
            let mut sql = Sql::new("delete from tally_counts where count = 0 and workspace_id = ");
            sql.bind(workspace.0);
            tx.select::<()>(sql).await?;
        }
        Ok(())
    }
}

pub(in crate::store) static COUNT: Statement = statement(
    &[("workspace_id", Id), ("kind", Int), ("key", Text), ("count", Int)],
    "insert into tally_counts (workspace_id, kind, key, count) select workspace_id, kind, key, count from v where {rows}
     on conflict (workspace_id, kind, key) do update set count = tally_counts.count + excluded.count",
);

pub(in crate::store) static DAYS: Statement = statement(
    &[("workspace_id", Id), ("kind", Int), ("day", Int)],
    "select d.kind, d.day, d.count, d.quarters from v cross join tally_days d
     where d.workspace_id = v.workspace_id and d.kind = v.kind and d.day = v.day and {rows}",
);

static PUT_DAYS: Statement = statement(
    &[
        ("workspace_id", Id),
        ("kind", Int),
        ("day", Int),
        ("count", Int),
        ("quarters", Text),
    ],
    "insert into tally_days (workspace_id, kind, day, count, quarters)
     select workspace_id, kind, day, count, quarters from v where {rows}
     on conflict (workspace_id, kind, day) do update set count = excluded.count, quarters = excluded.quarters",
);

pub(in crate::store) static DELETE_DAYS: Statement = statement(
    &[("workspace_id", Id), ("kind", Int), ("day", Int)],
    "delete from tally_days where (workspace_id, kind, day) in (select workspace_id, kind, day from v where {rows})",
);

async fn write_days(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    mut days: BTreeMap<(i64, i64), BTreeMap<i64, i64>>,
) -> Result<()> {
    let wanted = days
        .keys()
        .map(|(kind, day)| [workspace.0.into(), (*kind).into(), (*day).into()]);
    let found: Vec<DayRow> = tx.fetch(&DAYS, Batch::of(wanted)).await?;
    for (kind, day, _, quarters) in found {
        let stored: BTreeMap<i64, i64> = serde_json::from_str(&quarters)?;
        let changed = days.entry((kind, day)).or_default();
        for (quarter, count) in stored {
            *changed.entry(quarter).or_default() += count;
        }
    }
    let (mut rows, mut empty) = (Vec::with_capacity(days.len()), Vec::new());
    for ((kind, day), mut quarters) in days {
        quarters.retain(|_, count| *count != 0);
        if quarters.is_empty() {
            empty.push([workspace.0.into(), kind.into(), day.into()]);
            continue;
        }
        let count: i64 = quarters.values().sum();
        rows.push([
            workspace.0.into(),
            kind.into(),
            day.into(),
            count.into(),
            serde_json::to_string(&quarters)?.into(),
        ]);
    }
    tx.execute(&DELETE_DAYS, Batch::of(empty)).await?;
    tx.execute(&PUT_DAYS, Batch::of(rows)).await
}

/// Kind, day, how many, and in which quarters.
pub(super) type DayRow = (i64, i64, i64, String);

/// How many there were in quarters of an hour since 1970.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Days(BTreeMap<i64, i64>);

impl Days {
    /// How many there were from one quarter to the one before another.
    pub fn between(&self, from: i64, to: i64) -> u64 {
        let within = (from < to).then(|| self.0.range(from..to));
        let sum: i64 = within.into_iter().flatten().map(|(_, count)| count).sum();
        sum.max(0).unsigned_abs()
    }
}

/// What was counted of a workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// How many there are, by kind and key, the most first. The key of tasks without one is empty.
    pub kinds: Vec<(Kind, String, u64)>,
    /// Tasks created.
    pub created: Days,
    /// Tasks completed.
    pub completed: Days,
    /// Pending tasks that are due at a time.
    pub due: Days,
    /// Pending tasks that were due before the first of the days that were asked for.
    pub due_before: u64,
    /// Pending tasks that were due between the beginning of this quarter and now.
    pub just_over: u64,
    /// Pending tasks that are due some time today, and those that were before.
    pub all_day: [u64; 2],
}

impl Counted {
    pub(super) fn read(
        kinds: Vec<(i64, String, i64)>,
        days: Vec<DayRow>,
        [due_before, all_day_before]: [i64; 2],
        just_over: i64,
    ) -> Result<Counted> {
        let number = |count: i64| count.max(0).unsigned_abs();
        let mut counted = Counted {
            due_before: number(due_before),
            just_over: number(just_over),
            all_day: [0, number(all_day_before)],
            ..Counted::default()
        };
        for (code, key, count) in kinds {
            counted.kinds.push((kind(code)?, key, number(count)));
        }
        for (kind, day, count, quarters) in days {
            let into = match kind {
                1 => &mut counted.created,
                2 => &mut counted.completed,
                3 => &mut counted.due,
                _ => {
                    counted.all_day[0] += number(count);
                    continue;
                }
            };
            let quarters: BTreeMap<i64, i64> = serde_json::from_str(&quarters)?;
            into.0.extend(
                quarters
                    .into_iter()
                    .map(|(quarter, count)| (day * QUARTERS + quarter, count)),
            );
        }
        Ok(counted)
    }

    /// How many tasks are pending, completed and deleted.
    pub fn by_status(&self) -> [u64; 3] {
        [PENDING, COMPLETED, DELETED].map(|status| {
            let of = self
                .kinds
                .iter()
                .find(|(kind, key, _)| *kind == Kind::Status && key == status);
            of.map_or(0, |(.., count)| *count)
        })
    }
}

fn kind(code: i64) -> Result<Kind> {
    match code {
        1 => Ok(Kind::Status),
        2 => Ok(Kind::Priority),
        3 => Ok(Kind::Project),
        4 => Ok(Kind::Assignee),
        other => Err(StoreError::corrupt(format!(
            "{other} is not the code of a kind of count"
        ))),
    }
}

/// Erases all that was counted of a workspace.
pub(in crate::store) async fn erase(tx: &mut Transaction, workspace: WorkspaceId) -> Result<()> {
    for table in ["tallies", "task_facts", "tally_counts", "tally_days"] {
        let mut sql = Sql::new(&format!("delete from {table} where workspace_id = "));
        sql.bind(workspace.0);
        tx.select::<()>(sql).await?;
    }
    Ok(())
}

/// Forgets what these tasks of a workspace that is erased were counted as.
pub(in crate::store) async fn forget(
    tx: &mut Transaction,
    workspace: WorkspaceId,
    tasks: &[(Uuid,)],
) -> Result<()> {
    let mut sql = Sql::new("delete from task_facts where workspace_id = ");
    sql.bind(workspace.0).push(" and task_id in (");
    sql.bind_all(tasks.iter().map(|(id,)| *id)).push(")");
    tx.select::<()>(sql).await.map(drop)
}
