//! Streams: following a durable log, and reading it back.

use crate::{StreamId, TaskId, limits, optional::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a position could not be resumed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No position was given.
    New,
    /// The log no longer holds it.
    Expired,
    /// It belongs to another epoch.
    Epoch,
    /// It is ahead of the head.
    Unknown,
    /// The caller may not read this stream.
    NoAccess,
    /// The socket follows as many streams as it may.
    Limit,
}

/// Parameters of `stream.subscribe`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// The stream.
    pub stream: StreamId,
    /// The last `seq` that the client has; from now on when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 41)]
    pub since: Option<u64>,
}

/// What `stream.subscribe` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    /// The head.
    pub seq: u64,
    /// Whether the events after `since` follow; otherwise live from `seq`.
    pub resumed: bool,
    /// Why it was not resumed.
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
    /// Events after this `seq`; from the beginning when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<u64>")]
    #[schemars(example = 40)]
    pub after: u64,
    /// Events of a page; 100 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::HISTORY))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// Only those of this task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<TaskId>,
}

/// A page of a log.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Event frames, oldest first, as they were sent.
    #[schemars(with = "Vec<crate::frames::EventFrame>")]
    pub events: Vec<Box<RawValue>>,
    /// Whether there are more.
    pub has_more: bool,
}

/// The payload of `stream.reset`: too much changed at once; sync again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamReset {
    /// What happened, for people.
    pub message: String,
}
