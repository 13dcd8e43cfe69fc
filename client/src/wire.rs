//! Writes and reads frames. Reading is lenient: an unknown type, field or error code comes from a newer server and is
//! not an error. Does not know what an operation means.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};
use taskwire_protocol::{
    ErrorCode, Failure, OpId,
    frames::{EventFrame, RequestId},
};

/// The answer to a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) at: BTreeMap<String, u64>,
    pub(crate) data: Box<RawValue>,
    pub(crate) replayed: bool,
}

/// A frame from the server.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// `ok`, `error`, `pong` or `welcome`. It has no id when the server could not read the request's id.
    Answer(Option<i64>, Result<Answer, Box<Failure>>),
    Event(EventFrame),
    Signal(String, Box<RawValue>),
    /// A frame that only newer clients know: skip it.
    Unknown,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(borrow, default)]
    at: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    replayed: bool,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(default)]
    signal: Option<String>,
}

/// Writes a request; `data` is JSON.
pub(crate) fn request(name: &str, id: Option<i64>, op_id: Option<OpId>, data: &str) -> String {
    use std::fmt::Write as _;
    let name = serde_json::Value::from(name);
    let mut text = String::with_capacity(data.len() + 128);
    // Writing to a String cannot fail.
    let _ = write!(text, r#"{{"type":{name}"#);
    if let Some(id) = id {
        let _ = write!(text, r#","id":{id}"#);
    }
    if let Some(op_id) = op_id {
        let _ = write!(text, r#","op_id":"{op_id}""#);
    }
    let _ = write!(text, r#","data":{data}}}"#);
    text
}

/// Reads a frame.
pub(crate) fn read(text: &str) -> serde_json::Result<Incoming> {
    // Fast path: most frames are events, and the server writes the type first.
    if text.starts_with(r#"{"type":"event","#) {
        return serde_json::from_str(text).map(Incoming::Event);
    }
    let envelope: Envelope<'_> = serde_json::from_str(text)?;
    let id = match envelope.id {
        Some(RequestId::Number(id)) => Some(id),
        _ => None, // this client uses numbers only
    };
    let data = || match envelope.data {
        Some(data) => Ok(data.to_owned()),
        None => RawValue::from_string("{}".to_owned()),
    };
    Ok(match &*envelope.r#type {
        "event" => Incoming::Event(serde_json::from_str(text)?),
        "ok" | "welcome" | "pong" => {
            let at = envelope.at.map(|at| serde_json::from_str(at.get())).transpose()?;
            let answer = Answer {
                at: at.unwrap_or_default(),
                data: data()?,
                replayed: envelope.replayed,
            };
            Incoming::Answer(id, Ok(answer))
        }
        "error" => Incoming::Answer(id, Err(Box::new(failure(envelope.error)?))),
        "signal" => Incoming::Signal(envelope.signal.unwrap_or_default(), data()?),
        _ => Incoming::Unknown,
    })
}

/// Reads an error. For a code that this client does not know, the message starts with the code.
fn failure(raw: Option<&RawValue>) -> serde_json::Result<Failure> {
    #[derive(Deserialize)]
    struct Loose {
        code: String,
        #[serde(default)]
        message: String,
        #[serde(default)]
        retryable: bool,
        #[serde(default)]
        retry_after_ms: Option<u64>,
    }
    let text = raw.map_or("{}", RawValue::get);
    serde_json::from_str(text).or_else(|_| {
        let loose: Loose = serde_json::from_str(text)?;
        let message = format!("{}: {}", loose.code, loose.message);
        let mut failure = Failure::new(ErrorCode::InternalError, message);
        failure.retryable = loose.retryable;
        failure.retry_after_ms = loose.retry_after_ms;
        Ok(failure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_the_contract_says() {
        let op_id = OpId(uuid::Uuid::from_u128(1));
        assert_eq!(
            request("task.create", Some(7), Some(op_id), r#"{"title":"a"}"#),
            r#"{"type":"task.create","id":7,"op_id":"00000000-0000-0000-0000-000000000001","data":{"title":"a"}}"#
        );
        assert_eq!(request("a\"b", None, None, "{}"), r#"{"type":"a\"b","data":{}}"#);
    }

    #[test]
    fn unknown_types_and_codes_of_a_newer_server_are_accepted() {
        assert!(matches!(
            read(r#"{"type":"nova","data":7}"#),
            Ok(Incoming::Unknown)
        ));
        let Ok(Incoming::Answer(Some(3), Err(failure))) =
            read(r#"{"type":"error","id":3,"error":{"code":"TOO_COLD","message":"brr","retryable":true}}"#)
        else {
            panic!("not read")
        };
        assert_eq!(
            (failure.code, failure.message.as_str(), failure.retryable),
            (ErrorCode::InternalError, "TOO_COLD: brr", true)
        );
    }

    #[test]
    fn an_answer_keeps_its_data_and_positions() {
        let text = r#"{"type":"ok","id":7,"at":{"user:a":9},"data":{"x":[1, 2]},"replayed":true}"#;
        let Ok(Incoming::Answer(Some(7), Ok(answer))) = read(text) else {
            panic!("not read")
        };
        assert_eq!(answer.data.get(), r#"{"x":[1, 2]}"#);
        assert_eq!((answer.at.get("user:a"), answer.replayed), (Some(&9), true));
        let Ok(Incoming::Answer(Some(1), Ok(pong))) = read(r#"{"type":"pong","id":1}"#) else {
            panic!("not read")
        };
        assert_eq!(pong.data.get(), "{}");
    }
}
