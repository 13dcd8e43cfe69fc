//! The parameters of the operations on one task.

use super::Priority;
use crate::{
    Patch, ProjectId, TaskId, Timestamp, UserId, WorkspaceId,
    examples::{MOMENT, TITLES},
    limits,
    optional::{given, nullable, required},
    stage::{FIRST_DONE, FIRST_OPEN},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `task.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// A UUIDv7 made by the client, so that it can show the task before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = (), example = "{new_id}")]
    pub id: Option<TaskId>,
    /// The personal workspace when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{workspace}")]
    pub workspace_id: Option<WorkspaceId>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = (), example = "{project}")]
    pub project_id: Option<ProjectId>,
    /// The parent task. Subtasks nest two levels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// 1 to 200 characters.
    #[schemars(length(min = 1, max = limits::TITLE))]
    #[schemars(example = TITLES[0], example = TITLES[1], example = TITLES[2])]
    pub title: String,
    /// Up to 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,
    /// `none` when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = Priority::High, example = Priority::Low)]
    pub priority: Option<Priority>,
    /// The key of its stage; the first one of kind `open` when omitted. A stage of kind `done` completes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = (), example = FIRST_DONE, example = &"doing")]
    pub stage: Option<String>,
    /// When it is due, between 1970 and 9999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = MOMENT)]
    pub due_at: Option<Timestamp>,
    /// Whether `due_at` means a day. It is kept as midnight UTC of its date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_day: Option<bool>,
    /// Up to 20 names of up to 50 characters. Case does not tell tags apart: each is shown as the workspace writes it. A new
    /// name makes a tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    #[schemars(example = (), example = vec!["errands"], example = vec!["bills", "home"])]
    pub tags: Option<Vec<String>>,
    /// Members of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::ASSIGNEES))]
    pub assignee_ids: Option<Vec<UserId>>,
    /// Up to 20 tasks of the workspace that block it. They decide whether it is ready; they prevent nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::BLOCKERS))]
    #[schemars(example = (), example = vec!["{other_task}"])]
    pub blocked_by: Option<Vec<TaskId>>,
    /// When to remind the assignees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_at: Option<Timestamp>,
    /// How it repeats (RFC 5545, section 3.3.10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::RECURRENCE))]
    pub recurrence: Option<String>,
}

/// Parameters of `task.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetTask {
    /// The task.
    pub id: TaskId,
}

/// Parameters of `task.replace`: all of them are required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceTask {
    /// The task.
    pub id: TaskId,
    /// 1 to 200 characters.
    #[schemars(length(min = 1, max = limits::TITLE))]
    #[schemars(example = TITLES[0], example = TITLES[1], example = TITLES[2])]
    pub title: String,
    /// Up to 1000 characters; `null` for none.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<String>", length(max = limits::DESCRIPTION))]
    #[schemars(example = "Two litres", example = ())]
    pub description: Option<String>,
    /// Whether it is completed.
    pub completed: bool,
    /// How urgent it is.
    #[schemars(example = Priority::High, example = Priority::Low)]
    pub priority: Priority,
    /// When it is due; `null` for no date.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<Timestamp>")]
    pub due_at: Option<Timestamp>,
    /// Up to 20 names of up to 50 characters.
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    #[schemars(example = vec!["home"], example = vec!["home", "garden"])]
    pub tags: Vec<String>,
}

/// Parameters of `task.update`: only what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTask {
    /// The task.
    pub id: TaskId,
    /// The expected version. The answer is `VERSION_CONFLICT` when the task has another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1)]
    pub if_version: Option<i64>,
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TITLE))]
    #[schemars(example = TITLES[0], example = TITLES[1], example = TITLES[2])]
    pub title: Option<String>,
    /// Up to 1000 characters.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Patch<String>,
    /// Whether it is completed.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub completed: Option<bool>,
    /// The key of its stage. A stage of kind `done` completes it, any other reopens it.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    #[schemars(example = &"doing", example = FIRST_OPEN, example = FIRST_DONE)]
    pub stage: Option<String>,
    /// How urgent it is; `null` means `none`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = Priority::High, example = ())]
    pub priority: Patch<Priority>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = MOMENT, example = ())]
    pub due_at: Patch<Timestamp>,
    /// Whether `due_at` means a day. It is kept as midnight UTC of its date.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub all_day: Option<bool>,
    /// When to remind the assignees.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub remind_at: Patch<Timestamp>,
    /// How it repeats (RFC 5545, section 3.3.10). Another rule begins a series at the task's date. Another `due_at` alone
    /// postpones this task: those after it come when they would have come.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::RECURRENCE))]
    pub recurrence: Patch<String>,
    /// Up to 20 names of up to 50 characters; `null` means none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    #[schemars(example = (), example = vec!["shopping", "Errands"], example = vec!["garden"])]
    pub tags: Patch<Vec<String>>,
    /// Members of the workspace; `null` means none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::ASSIGNEES))]
    pub assignee_ids: Patch<Vec<UserId>>,
    /// Up to 20 tasks of the workspace that block it; `null` means none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::BLOCKERS))]
    #[schemars(example = (), example = vec!["{other_task}"])]
    pub blocked_by: Patch<Vec<TaskId>>,
    /// The project.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = (), example = "{project}")]
    pub project_id: Patch<ProjectId>,
    /// The parent task.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = (), example = "{other_task}")]
    pub parent_id: Patch<TaskId>,
}

impl UpdateTask {
    /// An update of this task that changes nothing yet.
    #[must_use]
    pub fn of(id: TaskId) -> UpdateTask {
        UpdateTask {
            id,
            if_version: None,
            title: None,
            description: Patch::Keep,
            completed: None,
            stage: None,
            priority: Patch::Keep,
            due_at: Patch::Keep,
            all_day: None,
            remind_at: Patch::Keep,
            recurrence: Patch::Keep,
            tags: Patch::Keep,
            assignee_ids: Patch::Keep,
            blocked_by: Patch::Keep,
            project_id: Patch::Keep,
            parent_id: Patch::Keep,
        }
    }
}

/// Parameters of `task.complete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompleteTask {
    /// The task.
    pub id: TaskId,
    /// Whether it is completed. When omitted, the operation toggles it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true, example = false)]
    pub completed: Option<bool>,
}

/// Parameters of `task.delete`. Each subtask that goes along has an event of its own; more than 1000 of them have one
/// `stream.reset`. All that is deleted together has the same `deleted_at`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTask {
    /// The task.
    pub id: TaskId,
    /// Whether to purge it: it cannot be restored, and its content leaves the log. Its subtasks are deleted, can be
    /// restored, and have no parent then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permanent: Option<bool>,
}

/// Parameters of `task.restore`. What is below the task and has its `deleted_at` was deleted with it, and comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreTask {
    /// The task.
    #[schemars(example = "{deleted_task}")]
    pub id: TaskId,
}

/// Parameters of `task.move`: at most one of `before` and `after`. A move into or out of a stage of kind `done` completes or
/// reopens the task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTask {
    /// The task.
    pub id: TaskId,
    /// The project to move it to; `null` takes it out of its project. What is below the task goes along, by `task.update`
    /// too, if it is in the same project as the task was.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_id: Patch<ProjectId>,
    /// The new parent task; `null` makes it a task of its own.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = (), example = "{other_task}")]
    pub parent_id: Patch<TaskId>,
    /// The key of the stage to move it to. A stage of kind `done` completes it, any other reopens it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = (), example = FIRST_OPEN, example = &"doing", example = FIRST_DONE)]
    pub stage: Option<String>,
    /// The task of the same workspace to place it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = (), example = "{other_task}")]
    pub before: Option<TaskId>,
    /// The task of the same workspace to place it after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{other_task}")]
    pub after: Option<TaskId>,
}

/// Parameters of `task.assign`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssignTask {
    /// The task.
    pub id: TaskId,
    /// Members of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = vec!["{user}"])]
    pub add: Option<Vec<UserId>>,
    /// Assignees to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<Vec<UserId>>,
}
