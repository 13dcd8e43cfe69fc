//! What travels: one JSON object a text frame. Reading is lenient where the contract wants an answer with the right
//! `id`; writing is exact. Does not know what any operation means.

use crate::{
    Failure, OpId, SessionId, StreamId, Timestamp, WorkspaceId, account::User, limits, member::Role,
    stream::Reason, workspace::WorkspaceKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

mod actor;

pub use actor::Actor;

/// A request's `id`, echoed in its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RequestId {
    /// A whole number whose absolute value is below 2^53.
    Number(#[schemars(range(min = -limits::INTEGER, max = limits::INTEGER))] i64),
    /// Up to 64 characters.
    Text(#[schemars(length(max = limits::REQUEST_ID))] String),
}

/// A request before its parameters were looked at.
#[derive(Debug)]
pub struct RequestFrame<'a> {
    /// The operation's wire name.
    pub r#type: Cow<'a, str>,
    /// Echoed in the answer; without it there is no answer but an error.
    pub id: Option<RequestId>,
    /// Makes a mutation exactly-once.
    pub op_id: Option<OpId>,
    /// The parameters as they came; `{}` when omitted.
    pub data: &'a str,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    op_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Why a frame is no request.
#[derive(Debug)]
pub enum NotARequest {
    /// Not JSON, not an object, no string `type`, nested too deep: `BAD_FRAME`, counted against the socket.
    BadFrame(&'static str),
    /// A request with something wrong beside its parameters, and its `id` when that could be read.
    Invalid(Option<RequestId>, Box<Failure>),
}

impl<'a> RequestFrame<'a> {
    /// Reads the envelope of a request.
    pub fn parse(text: &'a str) -> Result<RequestFrame<'a>, NotARequest> {
        if too_deep(text) {
            return Err(NotARequest::BadFrame("nested deeper than 32"));
        }
        if !text.trim_ascii_start().starts_with('{') {
            return Err(NotARequest::BadFrame("a frame is one JSON object"));
        }
        let envelope: Envelope<'a> =
            serde_json::from_str(text).map_err(|_| NotARequest::BadFrame("a frame is one JSON object"))?;
        let name = envelope
            .r#type
            .and_then(|t| serde_json::from_str::<Cow<'a, str>>(t.get()).ok());
        let r#type = name.ok_or(NotARequest::BadFrame("a request has a string `type`"))?;
        let id = request_id(envelope.id)?;
        let op_id = match envelope.op_id.map(RawValue::get) {
            None | Some("null") => None,
            Some(text) => match serde_json::from_str(text) {
                Ok(op_id) => Some(op_id),
                Err(_) => return Err(NotARequest::invalid(id, "op_id", "op_id is a UUID")),
            },
        };
        let data = match envelope.data.map(RawValue::get) {
            None | Some("null") => "{}",
            Some(data) => data,
        };
        Ok(RequestFrame {
            r#type,
            id,
            op_id,
            data,
        })
    }
}

impl NotARequest {
    fn invalid(id: Option<RequestId>, field: &str, message: &str) -> NotARequest {
        NotARequest::Invalid(id, Box::new(Failure::invalid(field, message)))
    }
}

fn request_id(raw: Option<&RawValue>) -> Result<Option<RequestId>, NotARequest> {
    let Some(text) = raw.map(RawValue::get).filter(|text| *text != "null") else {
        return Ok(None);
    };
    match serde_json::from_str(text) {
        Ok(RequestId::Number(n)) if n.unsigned_abs() < 1 << 53 => Ok(Some(RequestId::Number(n))),
        Ok(RequestId::Text(text)) if text.chars().count() <= limits::REQUEST_ID => {
            Ok(Some(RequestId::Text(text)))
        }
        _ => Err(NotARequest::invalid(
            None,
            "id",
            "id is an integer below 2^53 or a string of at most 64 characters",
        )),
    }
}

/// Whether a frame nests deeper than [`limits::DEPTH`]: a server cannot say which request such a frame was.
///
/// Brackets outside strings, without building anything: the answer for most frames is known from their count.
pub fn too_deep(text: &str) -> bool {
    if text.bytes().filter(|b| matches!(b, b'{' | b'[')).count() <= limits::DEPTH {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limits::DEPTH {
            return true;
        }
    }
    false
}

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

/// What a socket may rely on from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Welcome {
    /// The version of the contract.
    pub protocol: u32,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_nest() {
        let text = format!(r#"{{"type":"ping","data":"{}\""}}"#, "[".repeat(100));
        assert!(!too_deep(&text));
        assert!(too_deep(&"[".repeat(33)));
        assert!(!too_deep(&format!("{}{}", "[".repeat(32), "]".repeat(32))));
    }

    #[test]
    fn a_wrong_op_id_is_answered_with_the_request_id() {
        let parsed = RequestFrame::parse(r#"{"type":"task.get","id":"a","op_id":7}"#);
        let Err(NotARequest::Invalid(id, failure)) = parsed else {
            panic!("accepted")
        };
        assert_eq!(
            (id, failure.field.as_deref()),
            (Some(RequestId::Text("a".into())), Some("op_id"))
        );
    }
}
