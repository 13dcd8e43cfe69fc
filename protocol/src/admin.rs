//! Administration: instances and sockets; `users` has the accounts. For accounts with the global role `admin`.

use crate::{InstanceId, SessionId, Timestamp, UserId, account::PublicUser, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod users;

pub use users::{CreateUser, DeleteUser, FindUser, ListUsers, SignOutUser, UnlockUser, UpdateUser};

/// A running server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Instance {
    /// The instance; a new id with each start.
    pub id: InstanceId,
    /// The setting `instance`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last reported; normally some seconds ago.
    pub seen_at: Timestamp,
    /// How many sockets it then had.
    pub sockets: u64,
    /// Whether this instance answers the request.
    pub current: bool,
}

/// Parameters of `admin.instances`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInstances {}

/// The answer to `admin.instances`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceList {
    /// The instances that reported within the last minute, the oldest first.
    pub items: Vec<Instance>,
}

/// An authenticated socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// The session of the socket.
    pub session_id: SessionId,
    /// The user of the socket.
    pub user: PublicUser,
    /// The client program as named in `auth`, like `tw/0.1.0`.
    pub client: Option<String>,
    /// The network address of the client.
    pub address: Option<String>,
    /// When it was authenticated.
    pub connected_at: Timestamp,
    /// The instance that holds the socket.
    pub instance: InstanceName,
}

/// An instance's id and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceName {
    /// The instance.
    pub id: InstanceId,
    /// The setting `instance`.
    pub name: String,
}

/// Parameters of `admin.connections`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListConnections {
    /// Only the sockets of this user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of sockets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionPage {
    /// The sockets, ordered by instance.
    pub items: Vec<Connection>,
    /// Send it as `cursor` for the next page; `null` on the last page.
    pub next_cursor: Option<String>,
    /// The number of sockets on all instances that answered; on the first page only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The instances that did not answer within a second. Their sockets are missing from the page.
    pub unanswered: Vec<InstanceName>,
}

/// Parameters of `admin.kick`: exactly one of `user_id` and `session_id`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kick {
    /// The user whose sockets are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The session whose sockets are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{session}")]
    pub session_id: Option<SessionId>,
}
