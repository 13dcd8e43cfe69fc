//! Administration: who is where, on all instances. For accounts with the global role `admin`.

use crate::{InstanceId, SessionId, Timestamp, UserId, account::PublicUser, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A running server, of those that share a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Instance {
    /// Another one each time it starts.
    pub id: InstanceId,
    /// The setting `instance`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said that it lives; some seconds ago at most.
    pub seen_at: Timestamp,
    /// How many sockets it had then.
    pub sockets: u64,
    /// Whether it is the one that answers.
    pub current: bool,
}

/// Parameters of `admin.instances`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInstances {}

/// What `admin.instances` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceList {
    /// Those seen within the last minute, the oldest first.
    pub items: Vec<Instance>,
}

/// A socket of somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connection {
    /// The session that it speaks for.
    pub session_id: SessionId,
    /// Whose it is.
    pub user: PublicUser,
    /// What the program said about itself in `auth`, like `tw/0.1.0`.
    pub client: Option<String>,
    /// The address that it comes from.
    pub address: Option<String>,
    /// When it was authenticated.
    pub connected_at: Timestamp,
    /// The instance that it is connected to.
    pub instance: InstanceName,
}

/// An instance in few words.
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
    /// Only the sockets of this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// From the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of sockets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionPage {
    /// The sockets, instance by instance.
    pub items: Vec<Connection>,
    /// Pass it as `cursor` for the next page; `null` at the end.
    pub next_cursor: Option<String>,
    /// How many there are in all on the instances that answered; on the first page only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The instances that did not answer within a second: their sockets are missing here.
    pub unanswered: Vec<InstanceName>,
}

/// Parameters of `admin.kick`: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kick {
    /// Whose sockets are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The session whose sockets are closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{session}")]
    pub session_id: Option<SessionId>,
}
