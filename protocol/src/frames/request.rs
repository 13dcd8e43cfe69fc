//! What a client sends: the envelope of a request. Reading is lenient where that lets the server answer with the right
//! `id`. Does not know the parameters of any operation.

use crate::{Failure, OpId, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A request's `id`, echoed in its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RequestId {
    /// An integer with an absolute value below 2^53.
    Number(#[schemars(range(min = -limits::INTEGER, max = limits::INTEGER))] i64),
    /// Up to 64 characters.
    Text(#[schemars(length(max = limits::REQUEST_ID))] String),
}

/// A request whose parameters have not been read yet.
#[derive(Debug)]
pub struct RequestFrame<'a> {
    /// The operation's wire name.
    pub r#type: Cow<'a, str>,
    /// Echoed in the answer. Without it, only errors are answered.
    pub id: Option<RequestId>,
    /// Makes a mutation exactly-once.
    pub op_id: Option<OpId>,
    /// The JSON text of the parameters, not parsed yet; `{}` when omitted.
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

/// Why a frame is not a request.
#[derive(Debug)]
pub enum NotARequest {
    /// Not JSON, not an object, no string `type`, nested too deep: `BAD_FRAME`, counted against the socket.
    BadFrame(&'static str),
    /// A request whose `id` or `op_id` is invalid, and its `id` when that could be read.
    Invalid(Option<RequestId>, Box<Failure>),
}

impl<'a> RequestFrame<'a> {
    /// Reads the envelope of a request.
    pub fn parse(text: &'a str) -> Result<RequestFrame<'a>, NotARequest> {
        if too_deep(text) {
            return Err(NotARequest::BadFrame("the frame is nested deeper than 32 levels"));
        }
        if !text.trim_ascii_start().starts_with('{') {
            return Err(NotARequest::BadFrame("a frame must be one JSON object"));
        }
        let envelope: Envelope<'a> = serde_json::from_str(text)
            .map_err(|_| NotARequest::BadFrame("a frame must be one JSON object"))?;
        let name = envelope
            .r#type
            .and_then(|t| serde_json::from_str::<Cow<'a, str>>(t.get()).ok());
        let r#type = name.ok_or(NotARequest::BadFrame("a request must have a string `type`"))?;
        let id = request_id(envelope.id)?;
        let op_id = match envelope.op_id.map(RawValue::get) {
            None | Some("null") => None,
            Some(text) => match serde_json::from_str(text) {
                Ok(op_id) => Some(op_id),
                Err(_) => return Err(NotARequest::invalid(id, "op_id", "op_id must be a UUID")),
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
            "id must be an integer below 2^53 or a string of at most 64 characters",
        )),
    }
}

/// Whether a frame nests deeper than [`limits::DEPTH`]. The server does not parse such a frame.
///
/// Counts brackets outside strings and builds nothing. Most frames have too few brackets to nest that deep, so a first
/// count decides.
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
