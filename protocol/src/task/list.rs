//! `task.list`: which tasks, in which order.

use super::Priority;
use crate::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One workspace, or `"all"` that the user belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected the id of a workspace, or \"all\"")]
pub enum Where {
    /// This workspace.
    One(WorkspaceId),
    /// `"all"`: every workspace that the user belongs to.
    Everywhere(Everywhere),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Everywhere {
    /// Every workspace that the user belongs to.
    All,
}

/// Which tasks to list, by their status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Deleted ones too.
    All,
    /// Neither completed nor deleted.
    Pending,
    /// Completed and not deleted.
    Completed,
    /// Deleted.
    Deleted,
}

/// The order of a list; a leading `-` means descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sort {
    /// Oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// Newest first.
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDesc,
    /// Least recently changed first.
    #[serde(rename = "updated_at")]
    UpdatedAt,
    /// Most recently changed first.
    #[serde(rename = "-updated_at")]
    UpdatedAtDesc,
    /// Earliest date first; tasks without a date last.
    #[serde(rename = "due_at")]
    DueAt,
    /// Latest date first; tasks without a date last.
    #[serde(rename = "-due_at")]
    DueAtDesc,
    /// Least urgent first.
    #[serde(rename = "priority")]
    Priority,
    /// Most urgent first.
    #[serde(rename = "-priority")]
    PriorityDesc,
    /// By title, ignoring case, in the order of Unicode's collation (UTS #10, root locale).
    #[serde(rename = "title")]
    Title,
    /// The same, descending.
    #[serde(rename = "-title")]
    TitleDesc,
    /// By position.
    #[serde(rename = "position")]
    Position,
    /// By position, descending.
    #[serde(rename = "-position")]
    PositionDesc,
}

/// Parameters of `task.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTasks {
    /// The personal workspace when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{workspace}")]
    pub workspace_id: Option<Where>,
    /// Only tasks of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// Pending and completed tasks when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = Status::Pending)]
    pub status: Option<Status>,
    /// Only tasks created at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_from: Option<Timestamp>,
    /// Only tasks created at or before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_to: Option<Timestamp>,
    /// Only tasks due before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_before: Option<Timestamp>,
    /// Only tasks due after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_after: Option<Timestamp>,
    /// Deleted ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_deleted: Option<bool>,
    /// Only tasks assigned to this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    /// Only tasks with this tag, ignoring case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only tasks of this priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Only tasks in the stage with this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Only pending tasks of which no pending task is in the way, when true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Only subtasks of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// Full-text search in title, description and tags, ignoring case and accents. The last word matches as a prefix; text
    /// that is written without spaces (Chinese, Japanese, Thai, …) and Korean match by any part. Where more than 1,000 tasks
    /// match, the newest of them are listed, and `total` is 1,000 at most. In places with very many tasks a prefix of one or
    /// two letters is looked for among the newest tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SEARCH))]
    pub q: Option<String>,
    /// When omitted: newest first, or with `q` the best match first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
