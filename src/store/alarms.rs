//! The table of alarms: when to look whether a person is to be told about a task. The rows follow the tasks: each write
//! of a task writes them too (`follow`). A row says when to look, not when to tell: the moment depends on the
//! person's time zone and preferences, so the first look is as early as any of them allows, and it may move the row
//! ([`write`]). A row goes when it rang. A person who leaves a task after that gets a row that only remembers it, as long as
//! the time could ring again.

mod follow;

use super::bind::Kind::{Id, Int};
use super::entity::{Changes, Keyed};
use super::link::Dialect;
use super::rows::Stored;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::table::{Part, table, text};
use super::{Reader, Result, StoreError, Transaction};
use taskwire_protocol::{TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

pub(super) use follow::follow;
#[cfg(test)]
pub(super) use follow::{CLEAR, MARK};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// No time zone is further from UTC.
const ZONE: i64 = 16 * HOUR;
/// No alarm rings later than this after the time that it follows: at the end of the day, in the last zone.
const LATEST: i64 = 24 * HOUR + ZONE;
/// A task may get a time that has just passed: its request took a while.
pub const JUST_PASSED_MS: i64 = MINUTE;

/// What an alarm tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmKind {
    /// `remind_at` is there.
    Reminder,
    /// The task is due, now or soon.
    Due,
    /// The task was due.
    Overdue,
}

impl AlarmKind {
    const ALL: [AlarmKind; 3] = [AlarmKind::Reminder, AlarmKind::Due, AlarmKind::Overdue];

    fn code(self) -> i64 {
        match self {
            AlarmKind::Reminder => 1,
            AlarmKind::Due => 2,
            AlarmKind::Overdue => 3,
        }
    }
}

/// Identifies an alarm.
pub type AlarmKey = (TaskId, UserId, AlarmKind);

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// The task, the person, and what it tells.
    pub key: AlarmKey,
    /// The task's workspace.
    pub workspace: WorkspaceId,
    /// The time of the task that it follows: `due_at` or `remind_at`. Less than 0: it rang, and the time was `-1 - base`.
    pub base: Timestamp,
    /// When to look.
    pub at: Timestamp,
    /// When the task got that time.
    pub since: Timestamp,
}

table! {
    /// An alarm's row.
    struct AlarmRow {
        task_id: Uuid = fixed,
        user_id: Uuid = fixed,
        kind: i64 = fixed,
        workspace_id: Uuid,
        base: i64,
        at: i64,
        since: i64,
    }
}

impl Stored for AlarmRow {
    type Value = Alarm;

    fn read(self) -> Result<Alarm> {
        let kind = AlarmKind::ALL.into_iter().find(|kind| kind.code() == self.kind);
        let kind = kind.ok_or_else(|| StoreError::corrupt(format!("{} is no kind of alarm", self.kind)))?;
        Ok(Alarm {
            key: (TaskId(self.task_id), UserId(self.user_id), kind),
            workspace: WorkspaceId(self.workspace_id),
            base: Timestamp(self.base),
            at: Timestamp(self.at),
            since: Timestamp(self.since),
        })
    }
}

impl Keyed<AlarmKey, Alarm> for Alarm {
    fn keyed(self) -> (AlarmKey, Alarm) {
        (self.key, self)
    }
}

const KEY: &str = "task_id, user_id, kind";
const COLUMNS: &str = text![Part::Each("$", AlarmRow::TABLE.read)];

/// When the next look is.
pub async fn next(reader: &mut Reader) -> Result<Option<Timestamp>> {
    let sql = Sql::new("select at from alarms order by at limit 1");
    Ok(reader.scalar::<i64>(sql).await?.map(Timestamp))
}

/// Takes up to `limit` alarms at which to look now. Until `until` nobody else takes them; who looks moves or removes them.
pub async fn take(tx: &mut Transaction, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<Alarm>> {
    let skip = match tx.dialect()? {
        Dialect::Sqlite => "",
        Dialect::Postgres => " for update skip locked",
    };
    let mut sql = Sql::new(&format!(
        "with due as materialized (select {KEY} from alarms where at <= "
    ));
    sql.bind(now.0).push(" order by at limit ").bind(limit).push(skip);
    sql.push(") update alarms set at = ").bind(until.0);
    sql.push(&format!(
        " where ({KEY}) in (select {KEY} from due) returning {COLUMNS}"
    ));
    let rows: Vec<AlarmRow> = tx.select(sql).await?;
    rows.into_iter().map(AlarmRow::read).collect()
}

/// Looks again, now, at a page of a person's alarms whose moments depend on the person: those of tasks after `after`. Returns
/// the last task, if there may be more.
pub async fn look_again(
    tx: &mut Transaction,
    user: UserId,
    now: Timestamp,
    after: TaskId,
    limit: i64,
) -> Result<Option<TaskId>> {
    let mut sql = Sql::new("select task_id from alarms where user_id = ");
    sql.bind(user.0).push(" and task_id > ").bind(after.0);
    sql.push(" and kind > 1 and base >= 0 order by task_id limit ")
        .bind(limit);
    let tasks: Vec<(Uuid,)> = tx.select(sql).await?;
    let Some((last,)) = tasks.last().copied() else {
        return Ok(None);
    };
    let mut sql = Sql::new("update alarms set at = ");
    sql.bind(now.0).push(" where user_id = ").bind(user.0);
    sql.push(" and task_id > ")
        .bind(after.0)
        .push(" and task_id <= ")
        .bind(last);
    sql.push(" and kind > 1 and base >= 0 and at > ").bind(now.0);
    tx.select::<()>(sql).await?;
    Ok(Some(TaskId(last)).filter(|_| tasks.len() as i64 == limit))
}

/// Deletes up to `limit` alarms of a person.
pub async fn delete_of(tx: &mut Transaction, user: UserId, limit: i64) -> Result<u64> {
    let mut sql = Sql::new(&format!(
        "delete from alarms where ({KEY}) in (select {KEY} from alarms where user_id = "
    ));
    sql.bind(user.0);
    sql.push(" limit ").bind(limit).push(") returning kind");
    Ok(tx.select::<(i64,)>(sql).await?.len() as u64)
}

pub(super) static LOAD: Statement = statement(
    &[("task_id", Id), ("user_id", Id), ("kind", Int)],
    text![
        Part::Plain("select "),
        Part::Each("a.$", AlarmRow::TABLE.read),
        Part::Plain(
            " from v cross join alarms a
             where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind and {rows}"
        ),
    ],
);

/// The alarms with these keys.
pub async fn load(tx: &mut Transaction, keys: impl IntoIterator<Item = AlarmKey>) -> Result<Vec<Alarm>> {
    let rows = keys
        .into_iter()
        .map(|(task, user, kind)| [task.0.into(), user.0.into(), kind.code().into()]);
    tx.load::<AlarmRow>(&LOAD, Batch::of(rows)).await
}

/// Of the row that was seen: meanwhile the task may have got another time.
pub(super) static RUNG: Statement = statement(
    &[("task_id", Id), ("user_id", Id), ("kind", Int), ("since", Int)],
    "delete from alarms where (task_id, user_id, kind) in (
       select a.task_id, a.user_id, a.kind from v cross join alarms a
       where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind and a.since = v.since and {rows})",
);

/// Of the row that was seen: meanwhile the person may have another time zone, which asks for a look. An insert, because
/// SQLite plans an update from a list badly; the row is there.
pub(super) static MOVED: Statement = statement(
    &[
        ("task_id", Id),
        ("user_id", Id),
        ("kind", Int),
        ("since", Int),
        ("seen", Int),
        ("later", Int),
    ],
    "insert into alarms (task_id, user_id, kind, workspace_id, base, at, since)
     select a.task_id, a.user_id, a.kind, a.workspace_id, a.base, v.later, a.since from v cross join alarms a
     where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind and a.since = v.since
       and a.at = v.seen and {rows}
     on conflict (task_id, user_id, kind) do update set at = excluded.at",
);

/// Removes the alarms that rang, and moves those whose moment is still to come.
pub async fn write<'a>(tx: &mut Transaction, changes: impl Changes<'a, AlarmKey, Alarm>) -> Result<()> {
    let known = changes.filter_map(|change| Some((change.key, change.before?, change.now)));
    let key = |(task, user, kind): AlarmKey| (task.0, user.0, kind.code());
    let rung = known
        .clone()
        .filter(|(_, _, now)| now.is_none())
        .map(|(id, before, _)| {
            let (task, user, kind) = key(id);
            [task.into(), user.into(), kind.into(), before.since.0.into()]
        });
    tx.execute(&RUNG, Batch::of(rung)).await?;
    let moved = known.filter_map(|(id, before, now)| {
        let (task, user, kind) = key(id);
        let (seen, later) = (before.at.0, now?.at.0);
        Some([
            task.into(),
            user.into(),
            kind.into(),
            before.since.0.into(),
            seen.into(),
            later.into(),
        ])
    });
    tx.execute(&MOVED, Batch::of(moved)).await
}

/// Alarms of people who are no longer members, of times that may still come.
pub(super) static LATER: Statement = statement(
    &[("task_id", Id), ("user_id", Id), ("kind", Int), ("passed", Int), ("latest", Int)],
    "insert into alarms (task_id, user_id, kind, workspace_id, base, at, since)
     select a.task_id, a.user_id, a.kind, a.workspace_id, a.base, a.base + v.latest, a.since from v cross join alarms a
     where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind and a.kind > 1 and a.base > v.passed
       and {rows}
     on conflict (task_id, user_id, kind) do update set at = excluded.at",
);

/// The others of them.
pub(super) static OVER: Statement = statement(
    &[("task_id", Id), ("user_id", Id), ("kind", Int), ("passed", Int)],
    "delete from alarms where (task_id, user_id, kind) in (
       select a.task_id, a.user_id, a.kind from v cross join alarms a
       where a.task_id = v.task_id and a.user_id = v.user_id and a.kind = v.kind and (a.kind = 1 or a.base <= v.passed)
         and {rows})",
);

/// Passes over alarms of somebody who is not a member. Those of times that may still come stay until then, because the person
/// may be a member again; nobody is told until [`look_again`] looks.
pub async fn pass_over(tx: &mut Transaction, alarms: &[AlarmKey], now: Timestamp) -> Result<()> {
    let passed = now.0 - LATEST;
    let key = |(task, user, kind): AlarmKey| (task.0.into(), user.0.into(), kind.code().into());
    let rows = alarms.iter().map(|alarm| {
        let (task, user, kind) = key(*alarm);
        [task, user, kind, passed.into(), LATEST.into()]
    });
    tx.execute(&LATER, Batch::of(rows)).await?;
    let rows = alarms.iter().map(|alarm| {
        let (task, user, kind) = key(*alarm);
        [task, user, kind, passed.into()]
    });
    tx.execute(&OVER, Batch::of(rows)).await
}
