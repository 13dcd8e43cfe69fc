//! Encodes answers as text: ok, error, welcome, pong, signal. Events are not encoded here: the log stores them encoded.
//! Does not know sockets.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use taskwire_protocol::Failure;
use taskwire_protocol::frames::RequestId;

use crate::engine::{Body, Reply};

/// The answer to a request that succeeded.
pub(crate) fn ok(id: Option<&RequestId>, reply: &Reply) -> String {
    if matches!(reply.body, Body::Pong) {
        return pong(id);
    }
    let mut text = opening("ok", id, reply.size());
    text.push(',');
    reply.write(&mut text);
    text.push('}');
    text
}

/// The answer to a request that the engine does not carry out, with this data.
pub(crate) fn ok_with(id: Option<&RequestId>, data: &impl Serialize) -> String {
    with("ok", id, "data", data)
}

/// The answer to a request that was refused.
pub(crate) fn error(id: Option<&RequestId>, failure: &Failure) -> String {
    with("error", id, "error", failure)
}

/// The answer to `auth`.
pub(crate) fn welcome(id: Option<&RequestId>, data: &impl Serialize) -> String {
    with("welcome", id, "data", data)
}

/// The answer to `ping`.
fn pong(id: Option<&RequestId>) -> String {
    opening("pong", id, 0) + "}"
}

/// A signal: a message that is in no log.
pub(crate) fn signal(name: &str, data: &impl Serialize) -> String {
    format!(
        "{{\"type\":\"signal\",\"signal\":\"{name}\",\"data\":{}}}",
        json(data)
    )
}

/// The id of a request that was refused unread, if it has a valid one.
pub(crate) fn id_of(text: &str) -> Option<RequestId> {
    #[derive(Deserialize)]
    struct WithId {
        id: Option<RequestId>,
    }
    // serde skips everything else without building it
    serde_json::from_str::<WithId>(text)
        .ok()?
        .id
        .filter(|id| match id {
            RequestId::Number(_) => true,
            RequestId::Text(text) => text.chars().count() <= taskwire_protocol::limits::REQUEST_ID,
        })
}

fn with(kind: &str, id: Option<&RequestId>, key: &str, value: &impl Serialize) -> String {
    let mut text = opening(kind, id, 256);
    let _written = write!(text, ",\"{key}\":{}}}", json(value));
    text
}

fn opening(kind: &str, id: Option<&RequestId>, more: usize) -> String {
    let mut text = String::with_capacity(64 + more);
    let _written = match id {
        Some(RequestId::Number(number)) => write!(text, "{{\"type\":\"{kind}\",\"id\":{number}"),
        Some(RequestId::Text(id)) => write!(text, "{{\"type\":\"{kind}\",\"id\":{}", json(id)),
        None => write!(text, "{{\"type\":\"{kind}\",\"id\":null"),
    };
    text
}

/// Types of the protocol always encode. If one did not, `null` would still be valid JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Then;
    use serde_json::{Value, json};
    use taskwire_protocol::ErrorCode;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn answers_are_json_with_their_id() {
        let id = RequestId::Text("a\"b".into());
        let reply = Reply {
            body: Body::Logged(r#""at":{"user:1":2},"data":{"x":1}"#.into()),
            replayed: true,
            then: Then::Nothing,
            by: None,
        };
        let expected = json!({ "type": "ok", "id": "a\"b", "at": { "user:1": 2 }, "data": { "x": 1 }, "replayed": true });
        assert_eq!(read(&ok(Some(&id), &reply)), expected);

        let failure = Failure::new(ErrorCode::NotFound, "no such task").after(7);
        let refused = read(&error(None, &failure));
        assert_eq!(
            (&refused["type"], &refused["id"]),
            (&json!("error"), &Value::Null)
        );
        assert_eq!(
            serde_json::from_value::<Failure>(refused["error"].clone()).ok(),
            Some(failure)
        );
        assert_eq!(
            read(&pong(Some(&RequestId::Number(-3)))),
            json!({ "type": "pong", "id": -3 })
        );
        assert_eq!(
            read(&signal("x", &json!({}))),
            json!({ "type": "signal", "signal": "x", "data": {} })
        );
    }

    #[test]
    fn the_id_of_an_oversize_request_is_found_after_its_data() {
        let text = format!(
            r#"{{"type":"task.create","data":{{"id":1,"title":"{}"}},"id":"seven"}}"#,
            "x".repeat(100_000)
        );
        assert_eq!(id_of(&text), Some(RequestId::Text("seven".into())));
        assert_eq!(id_of(r#"{"type":"task.create","data":{"id":1}}"#), None);
        assert_eq!(id_of("not json"), None);
    }
}
