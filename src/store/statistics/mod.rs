//! Statistics of a workspace's tasks: how many there are of each kind, and by day.
//!
//! - `fact`      what one task is counted as
//! - `tally`     how many there are, as changes of facts add up, and the tables that have it
//! - `catch_up`  counts what changed since the last time
//!
//! Writing a task does not count it. The workspace's log tells which tasks changed since the entry up to which was counted
//! (`tallies`), so writers do nothing for statistics. A reader of the counts has the rest counted first, in steps. Does
//! not know time zones: days here are those of UTC, split into quarters of an hour.

mod catch_up;
mod fact;
mod tally;

pub use catch_up::catch_up;
pub use fact::{count_alike, quarter};
pub use tally::{Counted, Days, Kind, QUARTERS};
pub(super) use tally::{erase, forget};
#[cfg(test)]
pub(super) use {
    catch_up::{DELETE, FACTS},
    tally::{DAYS, DELETE_DAYS},
};

use super::sql::Sql;
use super::{Reader, Result};
use tally::DayKind;
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

/// What of a workspace is to be read: days of UTC since 1970, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// For tasks created and completed.
    pub made: (i64, i64),
    /// For due tasks, with their quarters. All tasks due before are one number.
    pub due: (i64, i64),
    /// Today's date, for tasks that are due all day.
    pub today: i64,
    /// The moment that separates overdue tasks from others, in milliseconds.
    pub now: i64,
}

/// The position up to which a workspace's log must be counted now; `None` if it is.
pub async fn due(reader: &mut Reader, workspace: WorkspaceId) -> Result<Option<i64>> {
    let mut sql = Sql::new(
        "select s.seq, t.seq, t.passed from streams s left join tallies t on t.workspace_id = s.id
         where s.kind = 1 and s.id = ",
    );
    sql.bind(workspace.0);
    let found: Option<(i64, Option<i64>, Option<Uuid>)> = reader.find(sql).await?;
    Ok(found.and_then(|(head, counted, passed)| {
        let is_counted = counted.is_some_and(|counted| counted >= head) && passed.is_none();
        (!is_counted).then_some(head)
    }))
}

/// Whether a workspace is counted up to this position, or is gone.
pub async fn is_counted(reader: &mut Reader, workspace: WorkspaceId, position: i64) -> Result<bool> {
    let mut sql = Sql::new(
        "select exists (select 1 from streams s left join tallies t on t.workspace_id = s.id
           where (t.seq is null or t.passed is not null or t.seq < ",
    );
    sql.bind(position).push(") and s.kind = 1 and s.id = ");
    sql.bind(workspace.0).push(")");
    let (waits,) = reader.get::<(bool,)>(sql).await?;
    Ok(!waits)
}

/// Counted workspaces whose log is `distance` entries ahead, or whose tasks are being counted, at most `limit`.
pub async fn behind(reader: &mut Reader, distance: i64, limit: i64) -> Result<Vec<WorkspaceId>> {
    let mut sql = Sql::new(
        "select t.workspace_id from tallies t join streams s on s.id = t.workspace_id
         where t.passed is not null or s.seq - t.seq > ",
    );
    sql.bind(distance).limit(limit);
    let found: Vec<(Uuid,)> = reader.fetch(sql).await?;
    Ok(found.into_iter().map(|(id,)| WorkspaceId(id)).collect())
}

/// The counts of a workspace.
pub async fn read(reader: &mut Reader, workspace: WorkspaceId, wanted: Wanted) -> Result<Counted> {
    let mut sql = Sql::new("select kind, key, count from tally_counts where count > 0 and workspace_id = ");
    sql.bind(workspace.0).push(" order by kind, count desc, key");
    let kinds: Vec<(i64, String, i64)> = reader.fetch(sql).await?;
    let (made, due) = (wanted.made, wanted.due);
    let ranges = [
        (DayKind::Created, made.0, made.1),
        (DayKind::Completed, made.0, made.1),
        (DayKind::Due, due.0, due.1),
        (DayKind::DueAllDay, wanted.today, wanted.today),
    ];
    let mut sql = Sql::default();
    for (i, (kind, first, last)) in ranges.into_iter().enumerate() {
        sql.push(if i > 0 { " union all " } else { "" });
        sql.push("select kind, day, count, quarters from tally_days where workspace_id = ");
        sql.bind(workspace.0).push(" and kind = ").bind(kind as i64);
        sql.push(" and day between ").bind(first).push(" and ").bind(last);
    }
    let days = reader.fetch(sql).await?;
    let before = [(DayKind::Due, due.0), (DayKind::DueAllDay, wanted.today)];
    let mut sums = [0; 2];
    for (sum, (kind, before)) in sums.iter_mut().zip(before) {
        let mut sql =
            Sql::new("select cast(coalesce(sum(count), 0) as bigint) from tally_days where workspace_id = ");
        sql.bind(workspace.0).push(" and kind = ").bind(kind as i64);
        sql.push(" and day < ").bind(before);
        (*sum,) = reader.get::<(i64,)>(sql).await?;
    }
    let just_over = just_over(reader, workspace, wanted.now).await?;
    Counted::read(kinds, days, sums, just_over)
}

/// How many pending tasks were due between the beginning of this quarter of an hour and now.
async fn just_over(reader: &mut Reader, workspace: WorkspaceId, now: i64) -> Result<i64> {
    let mut sql = Sql::new(
        "select count(*) from tasks where completed = false and is_deleted = false and all_day = false
         and workspace_id = ",
    );
    sql.bind(workspace.0).push(" and due_at >= ");
    sql.bind(quarter(now) * fact::QUARTER_MS)
        .push(" and due_at < ")
        .bind(now);
    Ok(reader.count(sql).await? as i64)
}
