//! `task.list`: which tasks, in which order.

use super::Priority;
use crate::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One workspace, or `"all"` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Where {
    /// This one.
    One(WorkspaceId),
    /// `"all"`: everywhere the user is.
    Everywhere(Everywhere),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Everywhere {
    /// Everywhere the user is.
    All,
}

/// Which tasks, by what became of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Deleted ones too.
    All,
    /// Not done, not deleted.
    Pending,
    /// Done, not deleted.
    Completed,
    /// Deleted.
    Deleted,
}

/// The order of a list; `-` in front means descending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Sort {
    /// Oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// Newest first.
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDesc,
    /// Longest unchanged first.
    #[serde(rename = "updated_at")]
    UpdatedAt,
    /// Last changed first.
    #[serde(rename = "-updated_at")]
    UpdatedAtDesc,
    /// Most pressing date first, those without one last.
    #[serde(rename = "due_at")]
    DueAt,
    /// Latest date first, those without one last.
    #[serde(rename = "-due_at")]
    DueAtDesc,
    /// Least pressing first.
    #[serde(rename = "priority")]
    Priority,
    /// Most pressing first.
    #[serde(rename = "-priority")]
    PriorityDesc,
    /// By title, ignoring case.
    #[serde(rename = "title")]
    Title,
    /// By title, backwards.
    #[serde(rename = "-title")]
    TitleDesc,
    /// By hand.
    #[serde(rename = "position")]
    Position,
    /// By hand, backwards.
    #[serde(rename = "-position")]
    PositionDesc,
}

/// Parameters of `task.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTasks {
    /// The personal one when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{workspace}")]
    pub workspace_id: Option<Where>,
    /// In this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// Pending and completed ones when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = Status::Pending)]
    pub status: Option<Status>,
    /// Created at or after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_from: Option<Timestamp>,
    /// Created at or before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_to: Option<Timestamp>,
    /// Due before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_before: Option<Timestamp>,
    /// Due after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_after: Option<Timestamp>,
    /// Deleted ones too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_deleted: Option<bool>,
    /// Done by this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    /// Bearing this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Of this priority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Parts of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// Full-text search in title, description and tags; the last word may be a beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::SEARCH))]
    pub q: Option<String>,
    /// Newest first when omitted; best match first with `q`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<Sort>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
