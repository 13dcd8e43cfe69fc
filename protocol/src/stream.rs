//! Streams: following a durable log, and reading it back.

use crate::{StreamId, TaskId, limits, optional::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a stream was not resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No position was given.
    New,
    /// The log no longer holds the position.
    Expired,
    /// The position belongs to another epoch.
    Epoch,
    /// The position is ahead of the head.
    Unknown,
    /// The caller may not read this stream.
    NoAccess,
    /// The socket follows the maximum number of streams.
    Limit,
}

/// The payload of the signal `stream.not_followed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotFollowed {
    /// The stream. To follow it, unsubscribe from another one, and subscribe to this one.
    pub stream: StreamId,
    /// Why it is not followed: `limit`.
    pub reason: Reason,
}

/// Parameters of `stream.subscribe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The stream.
    pub stream: StreamId,
    /// The last `seq` that the client applied. When omitted, the stream is followed from its head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 41)]
    pub since: Option<u64>,
}

/// The answer to `stream.subscribe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// The `seq` of the newest event.
    pub seq: u64,
    /// Whether the events after `since` follow. When false, events follow from `seq` on.
    pub resumed: bool,
    /// Why the stream was not resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// Parameters of `stream.unsubscribe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// The stream.
    pub stream: StreamId,
}

/// Parameters of `stream.history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadHistory {
    /// The stream.
    pub stream: StreamId,
    /// Only events after this `seq`; from the beginning when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<u64>")]
    #[schemars(example = 40)]
    pub after: u64,
    /// Events of a page; 100 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::HISTORY))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// Only events of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// A page of a log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Event frames, oldest first, as they were sent.
    #[schemars(with = "Vec<crate::frames::EventFrame>")]
    pub events: Vec<Box<RawValue>>,
    /// Whether the log has more events.
    pub has_more: bool,
}

/// The payload of `stream.reset`: too much changed at once; take a new snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamReset {
    /// What happened, as text for people.
    pub message: String,
}
