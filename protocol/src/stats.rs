//! Statistics of a workspace's tasks.

use crate::{WorkspaceId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `stats.get`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStats {
    /// The personal workspace when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{workspace}")]
    pub workspace_id: Option<WorkspaceId>,
    /// For how many days tasks are counted by day, today included; 30 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::STATS_DAYS))]
    #[schemars(example = 7)]
    pub days: Option<u32>,
    /// The time zone whose days these are: a name of the IANA time zone database. The caller's own when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "Europe/Paris")]
    pub timezone: Option<String>,
}

/// How many tasks a workspace has. Deleted tasks are counted in `deleted` alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Pending and completed tasks.
    pub total: u64,
    /// Tasks that are not completed.
    pub pending: u64,
    /// Completed tasks.
    pub completed: u64,
    /// Pending tasks whose date is over: their `due_at`, or the whole day of an all-day task.
    pub overdue: u64,
    /// Pending tasks that are due today, whether or not the time of day is over.
    pub due_today: u64,
    /// Deleted tasks that can be restored.
    pub deleted: u64,
    /// Tasks by the day on which they were created: each day once, the oldest first, the last one is today.
    pub created_per_day: Vec<DayCount>,
    /// Completed tasks by the day on which they were completed, for the same days.
    pub completed_per_day: Vec<DayCount>,
    /// Pending tasks by priority, the highest first. A priority that no such task has is not there.
    pub by_priority: Vec<KeyCount>,
    /// Pending tasks by the id of their project, the most first; `null` for those in no project.
    pub by_project: Vec<KeyCount>,
    /// Pending tasks by the user id of their assignee, the most first; `null` for those of nobody. A task of several people
    /// is counted for each.
    pub by_assignee: Vec<KeyCount>,
}

/// How many there were on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayCount {
    /// The day, like `2026-11-29`.
    pub date: String,
    /// How many.
    pub count: u64,
}

/// How many there are of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCount {
    /// The kind: a priority or an id; `null` for the tasks without one.
    pub key: Option<String>,
    /// How many.
    pub count: u64,
}

/// The payload of the signal `stats.changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatsChanged {
    /// The workspace.
    pub workspace_id: WorkspaceId,
}
