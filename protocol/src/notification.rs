//! Notifications: one for each act that concerns a user.

use crate::{NotificationId, TaskId, Timestamp, WorkspaceId, account::PublicUser, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

mod types;

pub use types::NotificationType;

/// A notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The notification.
    pub id: NotificationId,
    /// The type of notification.
    pub r#type: NotificationType,
    /// A short text, at most 200 characters.
    pub title: Arc<str>,
    /// A longer text, at most 1000 characters.
    pub message: Arc<str>,
    /// Whether the user has read it.
    pub is_read: bool,
    /// The task concerned.
    pub task_id: Option<TaskId>,
    /// The workspace concerned.
    pub workspace_id: Option<WorkspaceId>,
    /// Who caused it: as they were then, or as they are now.
    pub actor: Option<PublicUser>,
    /// Rises with every change.
    pub version: i64,
    /// When it happened.
    pub created_at: Timestamp,
}

/// Parameters of `notification.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListNotifications {
    /// Whether to list unread notifications only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread_only: Option<bool>,
    /// Newest first when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<NotificationSort>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The order of notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NotificationSort {
    /// Oldest first.
    #[serde(rename = "created_at")]
    CreatedAt,
    /// Newest first.
    #[default]
    #[serde(rename = "-created_at")]
    CreatedAtDesc,
}

/// A page of notifications.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationPage {
    /// The notifications.
    pub items: Vec<Notification>,
    /// Send it as `cursor` for the next page; `null` on the last page.
    pub next_cursor: Option<String>,
    /// The number of items on all pages; on the first page only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// How many are unread.
    pub unread: u64,
}

/// Parameters of `notification.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetNotification {
    /// The notification.
    pub id: NotificationId,
}

/// Parameters of `notification.mark`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkNotification {
    /// The notification.
    pub id: NotificationId,
    /// Whether the user has read it.
    pub is_read: bool,
}

/// Parameters of `notification.mark_all_read`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkAllRead {}

/// The answer to `notification.mark_all_read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedAllRead {
    /// How many were unread.
    pub updated: u64,
}

/// Parameters of `notification.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteNotification {
    /// The notification.
    pub id: NotificationId,
}

/// Parameters of `notification.delete_many`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteNotifications {
    /// Up to 100 ids; unknown ones are ignored.
    #[schemars(length(max = limits::DELETE_MANY))]
    pub ids: Vec<NotificationId>,
}

/// The answer to `notification.delete_many`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeletedNotifications {
    /// How many were deleted.
    pub deleted: u64,
}

/// Parameters of `notification.unread_count`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CountUnread {}

/// The answer to `notification.unread_count`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    /// How many are unread.
    pub unread: u64,
}

/// The payload of `notification.created` and `.updated`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationChanged {
    /// The notification.
    #[serde(flatten)]
    pub notification: Notification,
    /// How many are unread now.
    pub unread: u64,
}

/// The payload of `notification.all_read`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AllRead {
    /// Every notification created up to this moment is now read.
    pub up_to: Timestamp,
    /// How many were unread.
    pub updated: u64,
    /// How many are unread now.
    pub unread: u64,
}

/// The payload of `notification.all_read` without the count of unread ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReadUpTo {
    /// Every notification created up to this moment is read now.
    pub up_to: Timestamp,
    /// How many were unread.
    pub updated: u64,
}

/// The payload of `notification.deleted` without the count of unread ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NotificationGone {
    /// The notification.
    pub id: NotificationId,
}

/// The payload of `notification.deleted`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationDeleted {
    /// The notification.
    pub id: NotificationId,
    /// How many are unread now.
    pub unread: u64,
}
