//! `welcome`: what a socket may rely on once it is authenticated.

use crate::{
    SessionId, Timestamp, WorkspaceId, account::User, member::Role, stream::Reason, workspace::WorkspaceKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a socket may rely on from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    /// The version of the contract.
    pub protocol: u32,
    /// Rises with each growth of the contract within its version. A server that does not send it has 0.
    #[serde(default)]
    pub revision: u32,
    /// Who answers.
    pub server: ServerInfo,
    /// Positions are valid in it; another one means: sync.
    pub epoch: String,
    /// Who the socket speaks for.
    pub user: User,
    /// The session of its token.
    pub session: SessionInfo,
    /// Milliseconds between the server's pings.
    pub heartbeat_ms: u64,
    /// What the socket may ask for.
    pub limits: Limits,
    /// The streams that it follows.
    pub streams: Vec<StreamState>,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerInfo {
    /// `taskwire`.
    pub name: String,
    /// The version of the server.
    pub version: String,
    /// The instance that answers, of several.
    pub instance: String,
    /// The server's time.
    pub time: Timestamp,
}

/// The session of a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// What a socket may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Bytes of a frame that the server reads.
    pub frame_bytes: u64,
    /// Requests under way; past it the server stops reading.
    pub in_flight: u32,
    /// Operations of a batch.
    pub batch: u32,
    /// Streams of a socket.
    pub streams: u32,
    /// Operations a second, in the long run.
    pub ops_per_second: u32,
    /// Operations at once, after a pause.
    pub burst: u32,
}

/// A stream in `welcome`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamState {
    /// The stream, as it was asked for.
    pub stream: String,
    /// Its head; 0 where the caller may not know it.
    pub seq: u64,
    /// Whether the events after the given position follow.
    pub resumed: bool,
    /// Why it was not resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The workspace, of a workspace's stream.
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
    /// What it is for.
    pub kind: WorkspaceKind,
    /// The caller's role.
    pub role: Role,
}
