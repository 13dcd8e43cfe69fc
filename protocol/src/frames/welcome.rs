//! `welcome`: what holds for an authenticated socket.

use crate::{
    SessionId, Timestamp, WorkspaceId, account::User, member::Role, stream::Reason, workspace::WorkspaceKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What holds for an authenticated socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    /// The version of the contract.
    pub protocol: u32,
    /// Rises with each growth of the contract within its version. A server that does not send it has 0.
    #[serde(default)]
    pub revision: u32,
    /// The server.
    pub server: ServerInfo,
    /// The epoch in which positions are valid. When it differs from the client's, take a new snapshot.
    pub epoch: String,
    /// The authenticated user.
    pub user: User,
    /// The session of the token.
    pub session: SessionInfo,
    /// Milliseconds between two pings of the server.
    pub heartbeat_ms: u64,
    /// The limits of this socket.
    pub limits: Limits,
    /// The streams asked for, with their state.
    pub streams: Vec<StreamState>,
    /// How many more streams were asked for: a `welcome` is no longer than a frame. They are as if listed with the reason
    /// `limit`. Left out when all are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more: Option<u64>,
}

/// The server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerInfo {
    /// `taskwire`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// The name of the instance that answers.
    pub instance: String,
    /// The server's time.
    pub time: Timestamp,
}

/// The session of a token. An API token is a session of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// When the token expires; the end of the year 9999 for an API token without an end.
    pub expires_at: Timestamp,
}

/// The limits of a socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// The maximum size of a frame in bytes.
    pub frame_bytes: u64,
    /// Maximum number of unanswered requests. Beyond it the server stops reading.
    pub in_flight: u32,
    /// Maximum number of operations in a batch.
    pub batch: u32,
    /// Maximum number of streams that the socket follows.
    pub streams: u32,
    /// Sustained operations a second.
    pub ops_per_second: u32,
    /// Maximum number of operations in a burst.
    pub burst: u32,
}

/// A stream in `welcome`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamState {
    /// The stream, as the client named it.
    pub stream: String,
    /// The `seq` of its newest event; 0 without access.
    pub seq: u64,
    /// Whether the events after the client's position follow.
    pub resumed: bool,
    /// Why the stream was not resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The workspace, if it is a workspace's stream. Left out where the `welcome` would be longer than a frame:
    /// `workspace.list` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<StreamWorkspace>,
}

/// The workspace of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamWorkspace {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Arc<str>,
    /// Personal or shared.
    pub kind: WorkspaceKind,
    /// The caller's role.
    pub role: Role,
}
