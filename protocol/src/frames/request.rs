//! What a client sends: the envelope of a request. Reading is lenient where that lets the server answer with the right
//! `id`. Does not know the parameters of any operation.

use crate::{Failure, OpId, json, limits};
use schemars::JsonSchema;
use serde::de::{Error, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{error::Category, value::RawValue};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// A request's `id`, echoed in its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum RequestId {
    /// An integer with an absolute value below 2^53.
    Number(#[schemars(range(min = -limits::INTEGER, max = limits::INTEGER))] i64),
    /// Up to 64 characters.
    Text(#[schemars(length(max = limits::REQUEST_ID))] String),
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<RequestId, D::Error> {
        struct AnyId;

        impl Visitor<'_> for AnyId {
            type Value = RequestId;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an integer or a string")
            }

            fn visit_i64<E: Error>(self, id: i64) -> Result<RequestId, E> {
                Ok(RequestId::Number(id))
            }

            fn visit_u64<E: Error>(self, id: u64) -> Result<RequestId, E> {
                let number = i64::try_from(id).map(RequestId::Number);
                number.map_err(|_| E::invalid_value(Unexpected::Unsigned(id), &self))
            }

            fn visit_f64<E: Error>(self, id: f64) -> Result<RequestId, E> {
                let number = json::integer(id).map(RequestId::Number);
                number.ok_or_else(|| E::invalid_value(Unexpected::Float(id), &self))
            }

            fn visit_str<E: Error>(self, id: &str) -> Result<RequestId, E> {
                Ok(RequestId::Text(id.to_owned()))
            }
        }
        from.deserialize_any(AnyId)
    }
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

/// The parts of a frame, unread. Fields that a newer client sends are ignored, but none may come twice.
#[derive(Default)]
struct Envelope<'a> {
    r#type: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    op_id: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
}

/// The name of a field. Without an escape in it, it is a slice of the frame.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct AnyName;

        impl<'de> Visitor<'de> for AnyName {
            type Value = Name<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        from.deserialize_str(AnyName)
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Envelope<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Envelope<'de>, A::Error> {
                let mut envelope = Envelope::default();
                let mut others: BTreeSet<Cow<'de, str>> = BTreeSet::new();
                while let Some(Name(name)) = from.next_key()? {
                    let field = match &*name {
                        "type" => &mut envelope.r#type,
                        "id" => &mut envelope.id,
                        "op_id" => &mut envelope.op_id,
                        "data" => &mut envelope.data,
                        _ => {
                            let ignored: &RawValue = from.next_value()?;
                            if let Some(name) = json::stands_twice(ignored.get()) {
                                return Err(json::twice(&name));
                            }
                            if let Some(name) = others.replace(name) {
                                return Err(json::twice(&name));
                            }
                            continue;
                        }
                    };
                    if field.replace(from.next_value()?).is_some() {
                        return Err(json::twice(&name));
                    }
                }
                Ok(envelope)
            }
        }
        from.deserialize_map(Fields)
    }
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
        let envelope: Envelope<'a> = serde_json::from_str(text).map_err(|error| {
            NotARequest::BadFrame(match error.classify() {
                Category::Data => "a frame must have each of its fields once",
                _ => "a frame must be one JSON object",
            })
        })?;
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
    fn a_field_that_comes_twice_is_refused() {
        for text in [
            r#"{"type":"ping","type":"ping"}"#,
            r#"{"type":"ping","id":1,"id":2}"#,
            r#"{"type":"ping","id":null,"id":2}"#,
            r#"{"type":"ping","\u0074ype":"ping"}"#,
            r#"{"type":"ping","op_id":null,"op_id":null}"#,
            r#"{"type":"ping","data":{},"data":{}}"#,
            r#"{"type":"ping","newer":1,"other":2,"newer":1}"#,
            r#"{"type":"ping","newer":{"a":1,"a":2}}"#,
        ] {
            let parsed = RequestFrame::parse(text);
            assert!(
                matches!(parsed, Err(NotARequest::BadFrame(why)) if why.contains("once")),
                "{text}"
            );
        }
        let one = RequestFrame::parse(r#"{"newer":{"a":1,"b":{}},"type":"ping","other":2}"#);
        assert_eq!(
            one.map(|frame| frame.r#type.into_owned()).ok().as_deref(),
            Some("ping")
        );
        // what no number and no text of ours can hold is ignored too
        for newer in ["1e999", r#""\ud800""#] {
            let text = format!(r#"{{"type":"ping","newer":[{newer}]}}"#);
            assert!(RequestFrame::parse(&text).is_ok(), "{newer}");
        }
    }

    #[test]
    fn an_id_is_an_integer_however_it_is_written() {
        let id = |text: &str| {
            let frame = format!(r#"{{"type":"ping","id":{text}}}"#);
            RequestFrame::parse(&frame).map(|frame| frame.id).map_err(|_| ())
        };
        for text in ["10", "10.0", "1e1", "100e-1"] {
            assert_eq!(id(text), Ok(Some(RequestId::Number(10))), "{text}");
        }
        for text in [
            "10.5",
            "9007199254740992",
            "9007199254740992.0",
            "-1e17",
            "18446744073709551615",
            "[]",
            "true",
        ] {
            assert_eq!(id(text), Err(()), "{text}");
        }
    }

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
