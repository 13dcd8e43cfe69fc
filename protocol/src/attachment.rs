//! Files at tasks. Their bytes travel over HTTP ([`http`](crate::http)).

use crate::task::TaskCounts;
use crate::{TaskId, Timestamp, UserId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

ids! {
    /// An attachment.
    AttachmentId;
}

/// A file at a task. It never changes: another version of the file is another attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// The attachment.
    pub id: AttachmentId,
    /// The task that has it; never changes.
    pub task_id: TaskId,
    /// Its name, 1 to 200 characters: that of the upload, without folders, control characters and marks that turn text.
    /// Several attachments of a task may have one name.
    pub name: Arc<str>,
    /// In bytes.
    pub size: u64,
    /// What its first bytes look like, like `image/png`: whatever the upload and the name say. `text/plain` for any text,
    /// `application/octet-stream` for what is unknown.
    pub media_type: Arc<str>,
    /// Who uploaded it.
    pub created_by: UserId,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// The payload of the events about attachments: the attachment's fields, and its task's counts beside them. The version
/// of the task stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttachmentChanged {
    /// The attachment.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// What the task counts now.
    pub task: TaskCounts,
}

/// Parameters of `attachment.list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListAttachments {
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

/// Parameters of `attachment.delete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteAttachment {
    /// The attachment, which the caller uploaded, unless they are an admin of the workspace.
    pub id: AttachmentId,
}
