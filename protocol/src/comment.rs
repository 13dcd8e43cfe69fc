//! Comments on tasks.

use crate::account::PublicUser;
use crate::task::TaskCounts;
use crate::{TaskId, Timestamp, UserId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

ids! {
    /// A comment.
    CommentId;
}

/// A comment on a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// The comment.
    pub id: CommentId,
    /// The task that it is about; never changes.
    pub task_id: TaskId,
    /// What it says.
    pub body: Arc<str>,
    /// Who wrote it: in an event as they were then, in an answer as they are now.
    pub author: PublicUser,
    /// Who is mentioned: those given, and those whose `@username` the body has.
    pub mentions: Vec<UserId>,
    /// Rises with every change.
    pub version: i64,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The payload of the events about comments: the comment's fields, and its task's counts beside them. The version of the
/// task stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommentChanged {
    /// The comment after the change.
    #[serde(flatten)]
    pub comment: Comment,
    /// What the task counts now.
    pub task: TaskCounts,
}

/// Parameters of `comment.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateComment {
    /// The task, which is not deleted.
    pub task_id: TaskId,
    /// 1 to 5000 characters. `@username` mentions a member of the workspace.
    #[schemars(length(min = 1, max = limits::COMMENT))]
    #[schemars(example = "Oat milk, please", example = "Done yesterday; see the photo")]
    pub body: String,
    /// More members of the workspace to mention. A comment mentions up to 50 people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MENTIONS))]
    pub mentions: Option<Vec<UserId>>,
}

/// Parameters of `comment.update`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateComment {
    /// The comment, which the caller wrote.
    pub id: CommentId,
    /// 1 to 5000 characters. Its mentions take the place of those that the body had; a person is told of a mention once.
    #[schemars(length(min = 1, max = limits::COMMENT))]
    #[schemars(example = "Almond milk, please", example = "Done today")]
    pub body: String,
}

/// Parameters of `comment.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteComment {
    /// The comment, which the caller wrote, unless they are an admin of the workspace.
    pub id: CommentId,
}

/// Parameters of `comment.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListComments {
    /// The task; it may be deleted.
    pub task_id: TaskId,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
