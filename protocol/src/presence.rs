//! Presence: who is here now, and who is typing. Kept nowhere: it ends with the sockets that said it.

use crate::{TaskId, Timestamp, WorkspaceId, account::PublicUser};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a socket says of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// There, and looking.
    Online,
    /// There, and doing something else.
    Away,
}

/// What became of somebody's presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceNow {
    /// There, and looking.
    Online,
    /// There, and doing something else.
    Away,
    /// Not there any more.
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

/// Somebody who is in a workspace now: all their sockets there are one presence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    /// The person.
    pub user: PublicUser,
    /// `online` when at least one of their sockets is.
    pub state: PresenceState,
    /// The task that they look at, by the socket that set this state last.
    pub task_id: Option<TaskId>,
    /// Since when they are in this state.
    pub since: Timestamp,
}

/// Parameters of `presence.set`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPresence {
    /// The workspace. A socket is in one at a time: setting another one ends its presence in the first.
    pub workspace_id: WorkspaceId,
    /// Whether the user is looking.
    pub state: PresenceState,
    /// The task of that workspace that they look at; none when omitted.
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

/// What `presence.list` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceList {
    /// Who is there, by user id.
    pub items: Vec<Presence>,
}

/// Parameters of `presence.typing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportTyping {
    /// The task on which the user is typing.
    pub task_id: TaskId,
}

/// The payload of the signal `presence.changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceChanged {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The person.
    pub user: PublicUser,
    /// What they are now.
    pub state: PresenceNow,
    /// The task that they look at.
    pub task_id: Option<TaskId>,
    /// Since when they are in this state.
    pub since: Timestamp,
}

/// The payload of the signal `typing`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// The workspace of the task.
    pub workspace_id: WorkspaceId,
    /// The task.
    pub task_id: TaskId,
    /// Who is typing.
    pub user: PublicUser,
}
