//! What a server sends.

use super::{Actor, RequestId, Welcome};
use crate::{Failure, OpId, StreamId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A durable event.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct EventFrame {
    /// The stream that it stands in.
    pub stream: StreamId,
    /// Its place there: from 1, without gaps.
    pub seq: u64,
    /// What happened: the event's wire name.
    pub event: String,
    /// When it was committed.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// The mutation's `op_id`, when it had one.
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
        /// The request's.
        id: Option<RequestId>,
        /// What the socket may rely on.
        data: Box<Welcome>,
    },
    /// A request was done.
    Ok {
        /// The request's.
        id: RequestId,
        /// Of a mutation: the last `seq` that it produced in each stream the caller may read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<BTreeMap<String, u64>>,
        /// The operation's output.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        data: Box<RawValue>,
        /// It was done before: this is the first answer again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        replayed: bool,
    },
    /// A request was refused.
    Error {
        /// The request's, when it could be read.
        id: Option<RequestId>,
        /// Why.
        error: Failure,
    },
    /// Something happened: durable, ordered, gapless.
    Event(EventFrame),
    /// Something to know now: ephemeral.
    Signal {
        /// The signal's wire name.
        signal: String,
        /// Its payload.
        #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
        data: Box<RawValue>,
    },
    /// The answer to `ping`.
    Pong {
        /// The request's.
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
    /// When the access token ends.
    pub expires_at: Timestamp,
}
