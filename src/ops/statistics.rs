//! Statistics: how many tasks a workspace has, of each kind and by day. `store/statistics` counts them, `domain/statistics`
//! says when a day begins.

use super::{Ask, Caller, Load, Query, Result, Target, Targeted, bug, not_found};
use crate::domain::statistics::{Day, days};
use crate::domain::{account, alarms};
use crate::store::statistics::{self, Counted, Days, Kind, QUARTERS, Wanted, quarter};
use crate::store::task_list::ListIndexes;
use crate::store::{Reader, users};
use chrono_tz::Tz;
use taskwire_protocol::stats::{DayCount, GetStats, KeyCount, Stats};
use taskwire_protocol::{Failure, limits};

/// The priorities, the highest first.
const PRIORITIES: [&str; 5] = ["urgent", "high", "medium", "low", "none"];

impl Targeted for GetStats {
    fn target(&self, caller: &Caller) -> Target {
        Target::Workspace(self.workspace_id.unwrap_or(caller.personal))
    }
}

impl Query for GetStats {
    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Long
    }

    fn counts(&self) -> bool {
        true
    }

    async fn answer(self, ask: Ask) -> Result<Stats> {
        let number = self.days.unwrap_or(limits::STATS_DAYS_DEFAULT);
        if !(1..=limits::STATS_DAYS).contains(&number) {
            let message = format!("days must be 1 to {}", limits::STATS_DAYS);
            return Err(Failure::invalid("days", message));
        }
        let given = self.timezone.as_deref().map(account::timezone).transpose()?;
        let workspace = ask.workspace()?;
        let mut reader = ask.moment().await?;
        let zone = match given {
            Some(name) => alarms::zone(&name),
            None => own_zone(&mut reader, &ask.caller).await?,
        };
        let now = ask.node.now().0;
        let days = days(now, zone, number).ok_or_else(|| bug("the clock is beyond the calendar"))?;
        let (Some(first), Some(today)) = (days.first(), days.last()) else {
            return Err(bug("no day was asked for"));
        };
        let counted = statistics::read(&mut reader, workspace, wanted(first, today, now)).await?;
        Ok(stats(&counted, &days, today, now))
    }
}

/// The time zone of the caller.
async fn own_zone(reader: &mut Reader, caller: &Caller) -> Result<Tz> {
    let account = users::find(reader, caller.user.id).await?;
    let account = account.ok_or_else(|| not_found("account"))?;
    Ok(alarms::zone(&account.user.timezone))
}

/// Which days of UTC have the moments of these days, and what separates overdue tasks.
fn wanted(first: &Day, today: &Day, now: i64) -> Wanted {
    let day = |at: i64| quarter(at).div_euclid(QUARTERS);
    Wanted {
        made: (day(first.begins), day(today.ends)),
        due: (day(today.begins.min(now)), day(today.ends.max(now))),
        today: today.number(),
        now,
    }
}

fn stats(counted: &Counted, days: &[Day], today: &Day, now: i64) -> Stats {
    let [pending, completed, deleted] = counted.by_status();
    let [due_all_day, overdue_all_day] = counted.all_day;
    let first = quarter(today.begins.min(now)).div_euclid(QUARTERS) * QUARTERS;
    let overdue_at_a_time = counted.due_before + counted.due.between(first, quarter(now)) + counted.just_over;
    let mut by_priority = by(counted, Kind::Priority);
    by_priority.sort_by_key(|of| {
        PRIORITIES
            .iter()
            .position(|word| of.key.as_deref() == Some(*word))
    });
    Stats {
        total: pending + completed,
        pending,
        completed,
        overdue: overdue_at_a_time + overdue_all_day,
        due_today: on(&counted.due, today) + due_all_day,
        deleted,
        created_per_day: per_day(&counted.created, days),
        completed_per_day: per_day(&counted.completed, days),
        by_priority,
        by_project: by(counted, Kind::Project),
        by_assignee: by(counted, Kind::Assignee),
    }
}

fn on(counts: &Days, day: &Day) -> u64 {
    counts.between(quarter(day.begins), quarter(day.ends))
}

fn per_day(counts: &Days, days: &[Day]) -> Vec<DayCount> {
    days.iter()
        .map(|day| DayCount {
            date: day.date.to_string(),
            count: on(counts, day),
        })
        .collect()
}

fn by(counted: &Counted, kind: Kind) -> Vec<KeyCount> {
    let of_kind = counted.kinds.iter().filter(|(of, ..)| *of == kind);
    of_kind
        .map(|(_, key, count)| KeyCount {
            key: (!key.is_empty()).then(|| key.clone()),
            count: *count,
        })
        .collect()
}
