//! Tasks.

use crate::{Patch, ProjectId, TaskId, Timestamp, UserId, WorkspaceId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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

/// Parameters of `task.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// A UUIDv7 made by the client, so that it can show the task before the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// The personal one when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<WorkspaceId>,
    /// The project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// The task that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<TaskId>,
    /// 1 to 200 characters.
    #[schemars(length(min = 1, max = limits::TITLE))]
    pub title: String,
    /// Up to 1000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Option<String>,
    /// `none` when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// `due_at` means a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all_day: Option<bool>,
    /// Up to 20 names of up to 50 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    pub tags: Option<Vec<String>>,
    /// Members of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::ASSIGNEES))]
    pub assignee_ids: Option<Vec<UserId>>,
    /// When to remind.
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
    pub workspace_id: Option<Where>,
    /// In this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<ProjectId>,
    /// Pending and completed ones when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    pub limit: Option<u32>,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Parameters of `task.replace`: all of them have to be there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceTask {
    /// The task.
    pub id: TaskId,
    /// 1 to 200 characters.
    #[schemars(length(min = 1, max = limits::TITLE))]
    pub title: String,
    /// Up to 1000 characters; `null` for none.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<String>", length(max = limits::DESCRIPTION))]
    pub description: Option<String>,
    /// Whether it is done.
    pub completed: bool,
    /// How pressing it is.
    pub priority: Priority,
    /// When it is due; `null` for never.
    #[serde(deserialize_with = "required")]
    #[schemars(schema_with = "nullable::<Timestamp>")]
    pub due_at: Option<Timestamp>,
    /// Up to 20 names of up to 50 characters.
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    pub tags: Vec<String>,
}

/// Without it serde takes a missing `Option` for `null`.
fn required<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Without it schemars takes an `Option` for one that may be missing.
fn nullable<T: JsonSchema>(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    Option::<T>::json_schema(generator)
}

/// For a field that can be left out but not cleared: serde takes `null` for a missing `Option` otherwise.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Parameters of `task.update`: only what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTask {
    /// The task.
    pub id: TaskId,
    /// Refuse with `VERSION_CONFLICT` when the task has another version.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub if_version: Option<i64>,
    /// 1 to 200 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::TITLE))]
    pub title: Option<String>,
    /// Up to 1000 characters.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::DESCRIPTION))]
    pub description: Patch<String>,
    /// Whether it is done.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
    /// How pressing it is; `null` is `none`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub priority: Patch<Priority>,
    /// When it is due.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub due_at: Patch<Timestamp>,
    /// `due_at` means a day.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub all_day: Option<bool>,
    /// When to remind.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub remind_at: Patch<Timestamp>,
    /// How it repeats.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::RECURRENCE))]
    pub recurrence: Patch<String>,
    /// Up to 20 names of up to 50 characters; `null` is none.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::TAGS), inner(length(min = 1, max = limits::TAG)))]
    pub tags: Patch<Vec<String>>,
    /// Members of the workspace; `null` is nobody.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(length(max = limits::ASSIGNEES))]
    pub assignee_ids: Patch<Vec<UserId>>,
    /// The project.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_id: Patch<ProjectId>,
    /// The task that it is a part of.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
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
            priority: Patch::Keep,
            due_at: Patch::Keep,
            all_day: None,
            remind_at: Patch::Keep,
            recurrence: Patch::Keep,
            tags: Patch::Keep,
            assignee_ids: Patch::Keep,
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
    /// Omitted: the opposite of what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
}

/// Parameters of `task.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTask {
    /// The task.
    pub id: TaskId,
    /// For good: the log forgets its content too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permanent: Option<bool>,
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

/// Parameters of `task.restore`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestoreTask {
    /// The task.
    pub id: TaskId,
}

/// Parameters of `task.move`: at most one of `before` and `after`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTask {
    /// The task.
    pub id: TaskId,
    /// Into this project, or out of any with `null`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub project_id: Patch<ProjectId>,
    /// Under this task, or to the top with `null`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    pub parent_id: Patch<TaskId>,
    /// Right before this task of the same workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TaskId>,
    /// Right after this task of the same workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    pub add: Option<Vec<UserId>>,
    /// Those who no longer do it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<Vec<UserId>>,
}

/// The payload of `task.purged`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// What was purged.
    pub id: TaskId,
    /// Its last version.
    pub version: i64,
}
