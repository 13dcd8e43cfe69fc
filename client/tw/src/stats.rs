//! `stats`: how many tasks a workspace has, with a bar for each day.

use crate::{
    args::StatsArgs,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::plain,
    text::{CYAN, DIM, short},
};
use std::collections::BTreeMap;
use taskwire_client::{
    Client,
    protocol::{
        WorkspaceId,
        stats::{GetStats, KeyCount, Stats},
    },
};
use uuid::Uuid;

/// Characters of the longest bar.
const WIDTH: u64 = 30;
/// The most projects, and the most people, that are listed.
const LISTED: usize = 10;

pub(crate) async fn stats(client: &Client, output: &Output, args: StatsArgs) -> Result<(), Fault> {
    let workspace_id = match &args.workspace {
        Some(workspace) => Some(resolve::workspace(client, workspace).await?),
        None => None,
    };
    let params = GetStats {
        workspace_id,
        days: Some(args.days),
        timezone: args.timezone,
    };
    let stats = paging::call(client, &params).await;
    let stats = if workspace_id.is_none() {
        stats.map_err(resolve::in_personal)?
    } else {
        stats?
    };
    if output.json {
        return output.value(&stats);
    }
    let names = names(client, workspace_id, &stats).await?;
    output.line(&sheet(&stats, &names))
}

/// The names of projects and people by their ids.
async fn names(
    client: &Client,
    workspace: Option<WorkspaceId>,
    stats: &Stats,
) -> Result<BTreeMap<String, String>, Fault> {
    let is_named = |of: &KeyCount| of.key.is_some();
    let mut names = BTreeMap::new();
    if !stats.by_project.iter().chain(&stats.by_assignee).any(is_named) {
        return Ok(names);
    }
    let workspace = match workspace {
        Some(workspace) => workspace,
        None => resolve::personal(client).await?,
    };
    if stats.by_project.iter().any(is_named) {
        let projects = resolve::projects(client, workspace).await?;
        names.extend(projects.into_iter().map(|of| (of.id.to_string(), of.name)));
    }
    if stats.by_assignee.iter().any(is_named) {
        let members = resolve::members(client, workspace).await?;
        names.extend(
            members
                .into_iter()
                .map(|(id, name)| (id.to_string(), format!("@{name}"))),
        );
    }
    Ok(names)
}

fn sheet(stats: &Stats, names: &BTreeMap<String, String>) -> String {
    let mut lines = vec![format!(
        "{} pending ({} overdue, {} due today), {} completed, {} deleted",
        stats.pending, stats.overdue, stats.due_today, stats.completed, stats.deleted
    )];
    lines.push(String::new());
    lines.extend(days(stats));
    let parts = [
        ("by priority", &stats.by_priority, "none"),
        ("by project", &stats.by_project, "no project"),
        ("by assignee", &stats.by_assignee, "nobody"),
    ];
    for (title, counts, nothing) in parts {
        // one line for all pending tasks would tell nothing new
        if counts
            .iter()
            .all(|of| of.key.as_deref().is_none_or(|key| key == "none"))
        {
            continue;
        }
        lines.push(String::new());
        lines.push(format!("{DIM}pending {title}{DIM:#}"));
        lines.extend(counts.iter().take(LISTED).map(|of| {
            let name = match &of.key {
                None => nothing.to_owned(),
                Some(key) => names.get(key).cloned().unwrap_or_else(|| brief(key)),
            };
            format!("{:>6}  {}", of.count, plain(&name))
        }));
    }
    lines.join("\n")
}

/// A key without a name: a priority, or the end of an id.
fn brief(key: &str) -> String {
    key.parse::<Uuid>().map_or_else(|_| key.to_owned(), short)
}

/// A line for each day: what was created, and what was completed.
fn days(stats: &Stats) -> Vec<String> {
    let both = || stats.created_per_day.iter().zip(&stats.completed_per_day);
    let most = both()
        .map(|(created, completed)| created.count.max(completed.count))
        .max();
    let most = most.unwrap_or_default();
    let title = format!("{DIM}{:<10}  {:>6} {:>9}{DIM:#}", "day", "added", "completed");
    let rows = both().map(|(created, completed)| {
        format!(
            "{}  {:>6} {:>9}  {DIM}{}{DIM:#}{CYAN}{}{CYAN:#}",
            plain(&created.date),
            created.count,
            completed.count,
            bar(created.count.saturating_sub(completed.count), most, '░'),
            bar(completed.count, most, '█'),
        )
    });
    std::iter::once(title)
        .chain(rows.map(|row| row.trim_end().to_owned()))
        .collect()
}

fn bar(count: u64, most: u64, with: char) -> String {
    let length = (count * WIDTH).div_ceil(most.max(1));
    std::iter::repeat_n(with, usize::try_from(length).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_client::protocol::stats::DayCount;

    #[test]
    fn bars_are_as_long_as_their_days_are_busy() {
        let day = |date: &str, count| DayCount {
            date: date.to_owned(),
            count,
        };
        let stats = Stats {
            created_per_day: vec![day("2026-11-28", 60), day("2026-11-29", 0)],
            completed_per_day: vec![day("2026-11-28", 1), day("2026-11-29", 20)],
            ..Stats::default()
        };
        let lines = days(&stats);
        let bars = |line: &str| (line.matches('░').count(), line.matches('█').count());
        assert_eq!(
            lines.iter().map(|line| bars(line)).collect::<Vec<_>>(),
            [(0, 0), (30, 1), (0, 10)]
        );
    }
}
