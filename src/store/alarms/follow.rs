//! The alarms follow the tasks: whoever writes a task writes its alarms, those of its people and times. Does not know when one
//! rings.

use super::{AlarmKind, AlarmRow, HOUR, JUST_PASSED_MS, LATEST, MINUTE, ZONE};
use crate::store::bind::Cell;
use crate::store::bind::Kind::{Id, Int};
use crate::store::entity::Change;
use crate::store::statement::{Batch, Statement, statement};
use crate::store::table::{Part, insert};
use crate::store::{Result, Transaction};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, UserId, limits};

/// Remembers that alarms rang: those without a row. Until the time has passed the same alarm is not made again.
pub(in crate::store) static MARK: Statement = statement(
    AlarmRow::TABLE.written,
    "insert into alarms (task_id, user_id, kind, workspace_id, base, at, since)
     select v.task_id, v.user_id, v.kind, v.workspace_id, v.base, v.at, v.since from v
     where {rows} and not exists (
       select 1 from alarms a where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind)
     on conflict (task_id, user_id, kind) do nothing",
);

pub(in crate::store) static CLEAR: Statement = statement(
    &[("task_id", Id), ("user_id", Id), ("kind", Int)],
    "delete from alarms where base >= 0
       and (task_id, user_id, kind) in (select task_id, user_id, kind from v where {rows})",
);

static SET: Statement = statement(
    AlarmRow::TABLE.written,
    insert!(
        "alarms",
        AlarmRow::TABLE,
        Part::Plain(" on conflict (task_id, user_id, kind) do update set "),
        Part::Changing("$ = excluded.$", AlarmRow::TABLE),
        Part::Plain(" where alarms.base <> -1 - excluded.base"),
    ),
);

/// Keeps the alarms in step with tasks that changed. Whether a task is completed or deleted is not looked at here: it may be
/// neither when its moment comes.
pub(in crate::store) async fn follow(
    tx: &mut Transaction,
    changes: &[Change<'_, TaskId, Task>],
) -> Result<()> {
    let (mut marked, mut cleared, mut set) = (Vec::new(), Vec::new(), Vec::new());
    // not the task's own time: one that is imported has that of its file, and got here only now
    let since = tx.now().0;
    let may_ring = |time: &Time| time.last() > since - JUST_PASSED_MS;
    for change in changes {
        let (before, now) = (times(change.before), times(change.now));
        if before == now {
            continue;
        }
        let fresh = now.iter().filter(|time| !before.contains(time));
        let fresh: Vec<&Time> = fresh.filter(|time| may_ring(time)).collect();
        let stays = |time: &Time| now.contains(time) || fresh.iter().any(|fresh| fresh.key() == time.key());
        let gone = before.iter().filter(|time| !stays(time));
        cleared.extend(gone.clone().map(|time| {
            let (user, kind) = time.key();
            [change.key.0.into(), user.0.into(), kind.code().into()]
        }));
        let Some(task) = change.now else { continue };
        let left = gone.filter(|time| may_ring(time) && now.iter().any(|now| now.is_same_time(time)));
        marked.extend(left.map(|time| {
            let until = time.last() + JUST_PASSED_MS;
            time.row(task, -1 - time.base, until, since)
        }));
        let rows = fresh
            .iter()
            .map(|time| time.row(task, time.base, time.first(), since));
        set.extend(rows);
    }
    tx.execute(&MARK, Batch::of(marked)).await?;
    tx.execute(&CLEAR, Batch::of(cleared)).await?;
    tx.execute(&SET, Batch::of(set)).await
}

/// A time of a task at which a person may be told something.
#[derive(PartialEq, Eq)]
struct Time {
    user: UserId,
    kind: AlarmKind,
    base: i64,
    all_day: bool,
}

impl Time {
    fn key(&self) -> (UserId, AlarmKind) {
        (self.user, self.kind)
    }

    /// Whether it differs in the person alone.
    fn is_same_time(&self, other: &Time) -> bool {
        (self.kind, self.base, self.all_day) == (other.kind, other.base, other.all_day)
    }

    fn row(&self, task: &Task, base: i64, at: i64, since: i64) -> [Cell; 7] {
        [
            task.id.0.into(),
            self.user.0.into(),
            self.kind.code().into(),
            task.workspace_id.0.into(),
            base.into(),
            at.into(),
            since.into(),
        ]
    }

    /// The earliest moment at which anybody is told.
    fn first(&self) -> i64 {
        let first = match (self.kind, self.all_day) {
            (AlarmKind::Reminder, _) => self.base,
            (AlarmKind::Due, _) => self.base - limits::DUE_LEAD * MINUTE - ZONE,
            (AlarmKind::Overdue, false) => self.base + HOUR,
            (AlarmKind::Overdue, true) => self.base + 24 * HOUR - ZONE,
        };
        first.max(0)
    }

    /// The latest moment at which anybody is told.
    fn last(&self) -> i64 {
        match (self.kind, self.all_day) {
            (AlarmKind::Reminder, _) | (AlarmKind::Due, false) => self.base,
            (AlarmKind::Due, true) => self.base + ZONE,
            (AlarmKind::Overdue, false) => self.base + HOUR,
            (AlarmKind::Overdue, true) => self.base + LATEST,
        }
    }
}

/// The times of a task, for everybody whom it concerns: its assignees, or its creator if it has none.
fn times(task: Option<&Task>) -> Vec<Time> {
    let Some(task) = task.filter(|task| task.due_at.is_some() || task.remind_at.is_some()) else {
        return Vec::new();
    };
    let due = task.due_at.map(|at| (at.0, task.all_day));
    let of = [
        (AlarmKind::Reminder, task.remind_at.map(|at| (at.0, false))),
        (AlarmKind::Due, due),
        (AlarmKind::Overdue, due),
    ];
    let creator = std::slice::from_ref(&task.created_by);
    let people = if task.assignee_ids.is_empty() {
        creator
    } else {
        &task.assignee_ids
    };
    let times = people.iter().flat_map(|user| {
        of.into_iter().filter_map(|(kind, time)| {
            let (base, all_day) = time?;
            Some(Time {
                user: *user,
                kind,
                base,
                all_day,
            })
        })
    });
    times.collect()
}
