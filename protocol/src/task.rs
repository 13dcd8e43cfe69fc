//! Tasks: the entity. `params` has the parameters that concern one task, `list` those of `task.list`,
//! `search` those of `task.search`.

use crate::{ProjectId, TaskId, Timestamp, UserId, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod list;
mod params;
mod search;

pub use list::{Everywhere, ListTasks, Sort, Status, Where};
pub use params::{
    AssignTask, CompleteTask, CreateTask, DeleteTask, GetTask, MoveTask, ReplaceTask, RestoreTask, UpdateTask,
};
pub use search::{FoundIn, FoundTask, FoundTasks, FoundText, SearchTasks};

/// How urgent a task is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// No priority.
    #[default]
    None,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Urgent.
    Urgent,
}

impl Priority {
    /// Every priority, the least urgent first.
    pub const ALL: [Priority; 5] = [
        Priority::None,
        Priority::Low,
        Priority::Medium,
        Priority::High,
        Priority::Urgent,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Priority::None => "none",
            Priority::Low => "low",
            Priority::Medium => "medium",
            Priority::High => "high",
            Priority::Urgent => "urgent",
        }
    }

    /// The priority with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Priority> {
        Priority::ALL.into_iter().find(|priority| priority.name() == name)
    }
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The task.
    pub id: TaskId,
    /// The workspace that contains it; never changes.
    pub workspace_id: WorkspaceId,
    /// The project that contains it.
    pub project_id: Option<ProjectId>,
    /// The parent task.
    pub parent_id: Option<TaskId>,
    /// What to do.
    pub title: Arc<str>,
    /// Details.
    pub description: Option<Arc<str>>,
    /// Whether it is completed.
    pub completed: bool,
    /// When it was completed; `null` while it is not.
    pub completed_at: Option<Timestamp>,
    /// The key of its stage. The task is completed exactly in a stage of kind `done`. Empty only in what a server of an
    /// older version sent.
    #[serde(default)]
    pub stage: Arc<str>,
    /// The tasks that block it. Those that are completed or deleted do not block.
    #[serde(default)]
    pub blocked_by: Vec<TaskId>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// Whether `due_at` means a day, not a moment: midnight UTC of its date.
    pub all_day: bool,
    /// When to remind the assignees.
    pub remind_at: Option<Timestamp>,
    /// How it repeats (RFC 5545, section 3.3.10): completing it makes the next task.
    pub recurrence: Option<Arc<str>>,
    /// Its place among the other tasks: compare as text, ties by id.
    pub position: Arc<str>,
    /// Names of tags, in the order given.
    pub tags: Vec<Arc<str>>,
    /// The assignees.
    pub assignee_ids: Vec<UserId>,
    /// How many comments it has.
    pub comment_count: i64,
    /// How many attachments it has.
    pub attachment_count: i64,
    /// Whether it is deleted; it can be restored.
    pub is_deleted: bool,
    /// When it was deleted; `null` while it is not.
    pub deleted_at: Option<Timestamp>,
    /// Rises with every change.
    pub version: i64,
    /// The user who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a task counts. Events about what is counted carry it, because the task's own version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TaskCounts {
    /// The task.
    pub id: TaskId,
    /// How many comments it has.
    pub comment_count: i64,
    /// How many attachments it has.
    pub attachment_count: i64,
}

impl Task {
    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> TaskCounts {
        TaskCounts {
            id: self.id,
            comment_count: self.comment_count,
            attachment_count: self.attachment_count,
        }
    }
}

/// The answer to `task.delete`: the deleted task, or what is left of a purged one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Deleted {
    /// The deleted task; it can be restored.
    Task(Box<Task>),
    /// What is left of a purged task.
    Purged(Purged),
}

/// The payload of `task.purged`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// The purged task.
    pub id: TaskId,
    /// Its last version.
    pub version: i64,
}
