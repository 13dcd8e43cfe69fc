//! What a server sends: answers, events and signals.

use super::{Actor, RequestId, Welcome};
use crate::{Failure, OpId, StreamId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A durable event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventFrame {
    /// The stream that contains it.
    pub stream: StreamId,
    /// Its place in the stream: from 1, without gaps.
    pub seq: u64,
    /// The event's wire name.
    pub event: String,
    /// When it was committed.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The `op_id` of the mutation, if it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_id: Option<OpId>,
    /// The whole entity after the change; of a purged task `{"id":…,"purged":true}`.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
}

/// What a server sends. A client reads the envelope first and the rest by its `type`: serde cannot borrow raw JSON
/// through an internally tagged enum.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The answer to `auth`.
    Welcome {
        /// The `id` of the request.
        id: Option<RequestId>,
        /// What the socket may rely on.
        data: Box<Welcome>,
    },
    /// A request was carried out.
    Ok {
        /// The `id` of the request.
        id: RequestId,
        /// For a mutation: the last `seq` that it produced in each stream that the caller may read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<BTreeMap<String, u64>>,
        /// The operation's output.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        data: Box<RawValue>,
        /// Whether this repeats the first answer, because the mutation was carried out before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
    },
    /// A request was refused.
    Error {
        /// The `id` of the request, if it could be read.
        id: Option<RequestId>,
        /// The error.
        error: Failure,
    },
    /// Something happened: stored, in order, without gaps.
    Event(EventFrame),
    /// Something happened: not stored, may be omitted.
    Signal {
        /// The signal's wire name.
        signal: String,
        /// Its payload.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        data: Box<RawValue>,
    },
    /// The answer to `ping`.
    Pong {
        /// The `id` of the request.
        #[serde(default)]
        id: Option<RequestId>,
    },
}

/// The payload of the signal `server.goodbye`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Goodbye {
    /// Milliseconds to wait before reconnecting; different for each socket.
    pub reconnect_after_ms: u64,
}

/// The payload of the signal `session.expiring`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionExpiring {
    /// When the access token expires.
    pub expires_at: Timestamp,
}
