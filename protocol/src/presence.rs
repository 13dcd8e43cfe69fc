//! Presence: which users are connected now, and which are typing. It is not stored and ends with its sockets.

use crate::{TaskId, Timestamp, WorkspaceId, account::PublicUser};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The presence that a socket reports for its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// The user is active.
    Online,
    /// The user is connected but not active.
    Away,
}

/// A user's presence after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceNow {
    /// The user is active.
    Online,
    /// The user is connected but not active.
    Away,
    /// The user is no longer present.
    Offline,
}

impl From<PresenceState> for PresenceNow {
    fn from(state: PresenceState) -> PresenceNow {
        match state {
            PresenceState::Online => PresenceNow::Online,
            PresenceState::Away => PresenceNow::Away,
        }
    }
}

/// A user who is present in a workspace. All their sockets there count as one presence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// The user.
    pub user: PublicUser,
    /// `online` when at least one of their sockets is.
    pub state: PresenceState,
    /// The task that the user is looking at, from the socket that last set this state.
    pub task_id: Option<TaskId>,
    /// When this state began.
    pub since: Timestamp,
}

/// Parameters of `presence.set`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// The workspace. A socket is present in one workspace at a time: setting another one ends its presence in the first.
    pub workspace_id: WorkspaceId,
    /// Whether the user is active.
    pub state: PresenceState,
    /// The task of that workspace that the user is looking at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// Parameters of `presence.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListPresence {
    /// The workspace.
    pub workspace_id: WorkspaceId,
}

/// The answer to `presence.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// The users who are present, ordered by user id.
    pub items: Vec<Presence>,
}

/// Parameters of `presence.typing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportTyping {
    /// The task that the user is typing on.
    pub task_id: TaskId,
}

/// The payload of the signal `presence.changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChanged {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The user.
    pub user: PublicUser,
    /// The new state.
    pub state: PresenceNow,
    /// The task that the user is looking at.
    pub task_id: Option<TaskId>,
    /// When this state began.
    pub since: Timestamp,
}

/// The payload of the signal `typing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// The workspace of the task.
    pub workspace_id: WorkspaceId,
    /// The task.
    pub task_id: TaskId,
    /// The user who is typing.
    pub user: PublicUser,
}
