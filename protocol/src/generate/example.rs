//! A request for each operation, made from its schema: what is required, and a few optional parameters worth seeing.
//! Knows likely values by the name of a field; a test reads every example back.

use super::schema::{fields, variants};
use crate::operations::{Kind, OperationEntry};
use serde_json::{Value, json};
use std::fmt::Write;

/// Optional parameters that examples show.
const SHOWN: [&str; 8] = [
    "after",
    "completed",
    "due_at",
    "if_version",
    "limit",
    "priority",
    "since",
    "status",
];

/// Optional parameters that one example shows.
const SHOWN_HERE: [(&str, &str); 4] = [
    ("auth", "streams"),
    ("batch", "data"),
    ("member.add", "username"),
    ("task.assign", "add"),
];

/// Parameters that one example does without.
const LEFT_OUT: [(&str, &str); 2] = [("task.update", "completed"), ("task.list", "priority")];

/// The request frame of an operation, as people write it: on one line, the fields in the order of the reference.
pub(super) fn request(entry: &OperationEntry, document: &Value) -> String {
    let mut frame = format!(r#"{{"type":"{}","id":7"#, entry.name);
    if entry.kind == Kind::Mutation {
        let _ = write!(frame, r#","op_id":"{}""#, uuid(9));
    }
    let params = resolve(&document["operations"][entry.name]["params"], document);
    let data = object(entry.name, params, document);
    if data != "{}" {
        let _ = write!(frame, r#","data":{data}"#);
    }
    frame.push('}');
    frame
}

/// Follows a reference into the document's definitions.
pub(super) fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    reference(schema).map_or(schema, |name| &document["$defs"][name])
}

/// The name of the definition that a schema refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn object(operation: &str, schema: &Value, document: &Value) -> String {
    let members: Vec<String> = fields(schema)
        .into_iter()
        .filter(|(name, _, required)| *required || is_shown(operation, name))
        .map(|(name, field, _)| format!(r#""{name}":{}"#, sample(operation, name, field, document)))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn is_shown(operation: &str, name: &str) -> bool {
    (SHOWN.contains(&name) && !LEFT_OUT.contains(&(operation, name)))
        || SHOWN_HERE.contains(&(operation, name))
}

fn sample(operation: &str, name: &str, schema: &Value, document: &Value) -> String {
    let value = match (operation, name) {
        ("workspace.create", "name") => json!("Garden"),
        ("batch", "type") => json!("task.complete"),
        ("batch", "data") => json!({ "id": uuid(1) }),
        ("stream.history", "after") => json!(40),
        ("task.move", "after") => json!(uuid(6)),
        (_, "title") => json!("Buy milk"),
        (_, "description") => json!("Two litres"),
        (_, "name") => json!("Ada"),
        (_, "username") => json!("grace"),
        (_, "email") => json!("ada@example.org"),
        (_, "password") => json!("a goose eats plums at noon"),
        (_, "token") => json!("eyJhbGciOiJIUzI1NiJ9…"),
        (_, "tags") => json!(["home"]),
        (_, "streams") => json!("all"),
        (_, "limit") => json!(50),
        (_, "since") => json!(41),
        (_, "if_version") => json!(3),
        (_, "priority") => json!("high"),
        (_, "role") => json!("member"),
        (_, "status") => json!("pending"),
        _ => return by_type(operation, schema, document),
    };
    value.to_string()
}

fn by_type(operation: &str, schema: &Value, document: &Value) -> String {
    let known = match reference(schema) {
        Some("Timestamp") => Some("2026-11-21T08:15:30.250Z".to_owned()),
        Some("StreamId") => Some(format!("workspace:{}", uuid(2))),
        Some("TaskId") => Some(uuid(1)),
        Some("WorkspaceId") => Some(uuid(2)),
        Some("UserId") => Some(uuid(3)),
        Some("NotificationId") => Some(uuid(4)),
        _ => None,
    };
    if let Some(text) = known {
        return json!(text).to_string();
    }
    let schema = resolve(schema, document);
    if let Some(first) = variants(schema).first() {
        return by_type(operation, first, document);
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("boolean") => "true".to_owned(),
        Some("integer") => schema["minimum"].as_i64().unwrap_or(1).to_string(),
        Some("array") => format!("[{}]", by_type(operation, &schema["items"], document)),
        Some("object") => object(operation, schema, document),
        Some("string") if schema["format"] == "uuid" => json!(uuid(5)).to_string(),
        _ => json!("…").to_string(),
    }
}

/// UUIDv7 look-alikes, a different one for each kind of thing.
fn uuid(which: u8) -> String {
    format!("01931f2a-5c00-7000-8000-00000000000{which}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, frames::RequestFrame, generate::describe, operations::CATALOG};

    #[test]
    fn every_example_is_a_request_that_the_server_reads() {
        let document = describe();
        for entry in CATALOG {
            let text = request(entry, &document);
            assert!(!text.contains(r#""…""#), "no sample value: {text}");
            let Ok(frame) = RequestFrame::parse(&text) else {
                panic!("no frame: {text}")
            };
            let read = Request::read(&frame.r#type, frame.data);
            assert!(read.is_ok(), "{text}: {read:?}");
        }
    }
}
