//! Tasks: the entity and what is left of it. `params` has what changes one, `list` what selects and sorts many.

use crate::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod list;
mod params;

pub use list::{Everywhere, ListTasks, Sort, Status, Where};
pub use params::{
    AssignTask, CompleteTask, CreateTask, DeleteTask, GetTask, MoveTask, ReplaceTask, RestoreTask, UpdateTask,
};

/// How pressing a task is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Not said.
    #[default]
    None,
    /// When there is time.
    Low,
    /// As usual.
    Medium,
    /// Soon.
    High,
    /// Now.
    Urgent,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// Where it is; never changes.
    pub workspace_id: WorkspaceId,
    /// The project, when it is in one.
    pub project_id: Option<ProjectId>,
    /// The task that it is a part of.
    pub parent_id: Option<TaskId>,
    /// What is to be done.
    pub title: Arc<str>,
    /// More about it.
    pub description: Option<Arc<str>>,
    /// Whether it is done.
    pub completed: bool,
    /// When it was completed; `null` while it is not.
    pub completed_at: Option<Timestamp>,
    /// How pressing it is.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// `due_at` means a day, not a moment.
    pub all_day: bool,
    /// When to remind.
    pub remind_at: Option<Timestamp>,
    /// How it repeats (RFC 5545, section 3.3.10).
    pub recurrence: Option<Arc<str>>,
    /// Where it stands among the others: compare as text, ties by id.
    pub position: Arc<str>,
    /// Names, in the order given.
    pub tags: Vec<Arc<str>>,
    /// Who does it.
    pub assignee_ids: Vec<UserId>,
    /// How many comments it has.
    pub comment_count: i64,
    /// How many attachments it has.
    pub attachment_count: i64,
    /// Deleted, but can be restored.
    pub is_deleted: bool,
    /// When it was deleted; `null` while it is not.
    pub deleted_at: Option<Timestamp>,
    /// Grows with every change.
    pub version: i64,
    /// Who made it.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What `task.delete` answers: the deleted task, or what is left of a purged one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Deleted {
    /// It can be restored.
    Task(Box<Task>),
    /// It is gone.
    Purged(Purged),
}

/// The payload of `task.purged`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// What was purged.
    pub id: TaskId,
    /// Its last version.
    pub version: i64,
}
