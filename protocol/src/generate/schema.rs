//! The contract as one JSON Schema (2020-12) document. Parameters are described as the server reads them: an optional
//! one may be missing. Everything else is described as the server writes it: a field that may be `null` is always
//! there.

use crate::{
    CloseCode, ErrorCode, PROTOCOL, REVISION, Retry, SUBPROTOCOL,
    close::Then,
    events::{EVENTS, Forgotten},
    frames,
    limits::{self, BOUNDS},
    operations::{Access, CATALOG, Kind, OperationEntry},
    signals::SIGNALS,
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The contract as a JSON Schema document: what `protocol.describe` and `GET /v1/protocol.json` answer. Takes about
/// a millisecond; a server builds it once.
#[must_use]
pub fn describe() -> Value {
    let mut document = document();
    drop_examples(&mut document);
    document
}

/// The same document with the values that `crate::examples` is made from.
pub(crate) fn document() -> Value {
    let mut read = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut written = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let operations: Map<String, Value> = CATALOG
        .iter()
        .map(|entry| (entry.name.to_owned(), operation(entry, &mut read, &mut written)))
        .collect();
    let events: Map<String, Value> = EVENTS
        .iter()
        .map(|entry| {
            (
                entry.name.to_owned(),
                payload(entry.doc, &(entry.payload)(&mut written)),
            )
        })
        .collect();
    let signals: Map<String, Value> = SIGNALS
        .iter()
        .map(|entry| {
            (
                entry.name.to_owned(),
                payload(entry.doc, &(entry.payload)(&mut written)),
            )
        })
        .collect();
    let frames = json!({
        "client": client_frame(&mut read),
        "server": written.subschema_for::<frames::ServerFrame>(),
    });
    written.subschema_for::<Forgotten>();
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Taskwire",
        "description": "The Taskwire wire contract: operations, events, signals, frames, errors and close codes.",
        "protocol": PROTOCOL,
        "revision": REVISION,
        "subprotocol": SUBPROTOCOL,
        "limits": bounds(),
        "operations": operations,
        "events": events,
        "signals": signals,
        "frames": frames,
        "errors": errors(),
        "close_codes": close_codes(),
        "$defs": definitions(&mut read, &mut written),
    });
    tidy(&mut document);
    document
}

/// The text of the schema: indented, keys in alphabetical order, a newline at the end.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", describe())
}

fn operation(entry: &OperationEntry, read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Value {
    json!({
        "description": entry.doc,
        "kind": kind(entry.kind),
        "access": access(entry.access),
        "params": (entry.params)(read),
        "output": object((entry.output)(written)),
    })
}

fn payload(doc: &str, schema: &Schema) -> Value {
    json!({ "description": doc, "data": schema })
}

/// An output of any shape is still an object.
fn object(schema: Schema) -> Value {
    match schema.to_value() {
        Value::Object(reference) if reference.contains_key("$ref") => Value::Object(reference),
        _ => json!({ "type": "object" }),
    }
}

/// How the document names a kind.
pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Query => "query",
        Kind::Mutation => "mutation",
        Kind::Command => "command",
        Kind::Session => "session",
    }
}

/// How the document names an access.
pub(super) fn access(access: Access) -> &'static str {
    match access {
        Access::Anyone => "anyone",
        Access::User => "user",
        Access::Viewer => "viewer",
        Access::Member => "member",
        Access::Admin => "admin",
        Access::Owner => "owner",
        Access::ServerAdmin => "server_admin",
    }
}

/// How the document names whether to retry.
pub(super) fn retry(retry: Retry) -> &'static str {
    match retry {
        Retry::No => "no",
        Retry::Yes => "yes",
        Retry::After => "after",
    }
}

/// How the document names what a client does after a close.
pub(super) fn then(then: Then) -> &'static str {
    match then {
        Then::AsYouLike => "as_you_like",
        Then::Stop => "stop",
        Then::AfterGoodbye => "after_goodbye",
        Then::Backoff => "backoff",
        Then::Token => "token",
        Then::AskThePerson => "ask_the_person",
        Then::Resume => "resume",
        Then::TenSeconds => "ten_seconds",
    }
}

/// A request frame: the common fields, and then each operation with its parameters.
fn client_frame(generator: &mut SchemaGenerator) -> Value {
    let id = generator.subschema_for::<frames::RequestId>();
    let op_id = generator.subschema_for::<crate::OpId>();
    let each: Vec<Value> = CATALOG
        .iter()
        .map(|entry| {
            let params = (entry.params)(generator);
            if needs_data(&params, generator) {
                json!({
                    "properties": { "type": { "const": entry.name }, "data": params },
                    "required": ["data"],
                })
            } else {
                let data = json!({ "anyOf": [params, { "type": "null" }] });
                json!({ "properties": { "type": { "const": entry.name }, "data": data } })
            }
        })
        .collect();
    json!({
        "description": "A request: one operation. Unknown fields beside these are ignored.",
        "type": "object",
        "properties": {
            "type": { "description": "The operation's wire name.", "type": "string" },
            "id": { "description": "Echoed in the answer. Without it, only errors are answered.",
                "anyOf": [id, { "type": "null" }] },
            "op_id": { "description": "Makes a mutation exactly-once.", "anyOf": [op_id, { "type": "null" }] },
            "data": { "description": "The parameters; may be omitted when none is required." },
        },
        "required": ["type"],
        "oneOf": each,
    })
}

fn needs_data(params: &Schema, generator: &SchemaGenerator) -> bool {
    let name = params
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| reference.rsplit('/').next());
    name.and_then(|name| generator.definitions().get(name))
        .and_then(|definition| definition.get("required"))
        .is_some()
}

fn errors() -> BTreeMap<&'static str, Value> {
    ErrorCode::ALL
        .iter()
        .map(|code| {
            let entry =
                json!({ "description": code.doc(), "http": code.status(), "retry": retry(code.retry()) });
            (code.as_str(), entry)
        })
        .collect()
}

fn close_codes() -> BTreeMap<String, Value> {
    CloseCode::ALL
        .iter()
        .map(|code| {
            let entry =
                json!({ "name": format!("{code:?}"), "description": code.doc(), "then": then(code.then()) });
            (code.code().to_string(), entry)
        })
        .collect()
}

/// The fixed bounds; those of a socket are announced in `welcome`.
fn bounds() -> BTreeMap<&'static str, i64> {
    BOUNDS.iter().map(|bound| (bound.name, bound.value)).collect()
}

/// The types of requests and answers. A type that the server reads and writes is described as it writes it.
fn definitions(read: &mut SchemaGenerator, written: &mut SchemaGenerator) -> Map<String, Value> {
    let mut answers = written.take_definitions(false);
    answers.values_mut().for_each(never_null_when_optional);
    if let Some(frame) = answers.get_mut("EventFrame") {
        tell_events_apart(frame, written);
    }
    if let Some(frame) = answers.get_mut("ServerFrame") {
        tell_signals_apart(frame, written);
    }
    let mut all = read.take_definitions(false);
    all.extend(answers);
    all
}

/// A field that the server omits when it is empty is never `null`. A field that it always writes needs no default.
fn never_null_when_optional(schema: &mut Value) {
    if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(never_null_when_optional);
    }
    if let Some(variants) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(never_null_when_optional);
    }
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |name: &str| {
        required
            .as_array()
            .is_some_and(|names| names.iter().any(|other| other == name))
    };
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, field) in properties {
        if is_required(name) {
            field.as_object_mut().map(|field| field.remove("default"));
        } else {
            without_null(field);
        }
    }
}

fn without_null(field: &mut Value) {
    let Some(field) = field.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            field.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(variants)) = field.get_mut("anyOf") else {
        return;
    };
    variants.retain(|variant| variant.get("type").is_none_or(|name| name != "null"));
    if let [Value::Object(only)] = variants.as_slice() {
        let only = only.clone();
        field.remove("anyOf");
        field.extend(only);
    }
}

/// The event's name decides the payload. An entry of a purged task has lost its payload.
fn tell_events_apart(frame: &mut Value, written: &mut SchemaGenerator) {
    let each: Vec<Value> = EVENTS
        .iter()
        .map(|entry| {
            let mut data = (entry.payload)(written).to_value();
            if entry.name.starts_with("task.") {
                data = json!({ "anyOf": [data, written.subschema_for::<Forgotten>()] });
            }
            json!({ "properties": { "event": { "const": entry.name }, "data": data } })
        })
        .collect();
    frame["oneOf"] = Value::Array(each);
    frame["properties"]["type"] = json!({ "const": "event", "type": "string" });
    if let Some(required) = frame["required"].as_array_mut() {
        required.insert(0, json!("type"));
    }
}

/// The signal's name decides the payload.
fn tell_signals_apart(frames: &mut Value, written: &mut SchemaGenerator) {
    let each: Vec<Value> = SIGNALS
        .iter()
        .map(|entry| {
            let data = (entry.payload)(written);
            json!({ "properties": { "signal": { "const": entry.name }, "data": data } })
        })
        .collect();
    for frame in frames["oneOf"].as_array_mut().into_iter().flatten() {
        if frame["properties"]["type"]["const"] == "signal" {
            frame["oneOf"] = Value::Array(each.clone());
        }
    }
}

/// Removes the keyword `examples` of every schema. A property may also be named `examples`: it stays.
fn drop_examples(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(drop_examples),
        Value::Object(map) => {
            if map.get("examples").is_some_and(Value::is_array) {
                map.remove("examples");
            }
            map.values_mut().for_each(drop_examples);
        }
        _ => {}
    }
}

/// Bounds whole numbers, and sorts the keys. The features of `serde_json` decide their order; sorting keeps the text
/// the same.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(map) => {
            let wide = matches!(
                map.get("format").and_then(Value::as_str),
                Some("uint64" | "int64")
            );
            if wide && !map.contains_key("maximum") {
                map.insert("maximum".to_owned(), json!(limits::INTEGER));
            }
            let sorted: BTreeMap<String, Value> = std::mem::take(map).into_iter().collect();
            map.extend(sorted);
            map.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

/// Follows a reference into the document's definitions.
pub(crate) fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    reference(schema).map_or(schema, |name| &document["$defs"][name])
}

/// The name of the definition that a schema refers to.
pub(crate) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The fields of an object, and whether each is required: the required ones as declared, then the others by name.
pub(crate) fn fields(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema["properties"].as_object();
    let all = properties.into_iter().flatten();
    let optional = all.filter(|(name, _)| !required.contains(&name.as_str()));
    let mut fields: Vec<_> = required
        .iter()
        .map(|name| (*name, &schema["properties"][*name], true))
        .collect();
    fields.extend(optional.map(|(name, field)| (name.as_str(), field, false)));
    fields
}

/// The alternatives of a schema (`oneOf` or `anyOf`); empty when it has none.
pub(crate) fn variants(schema: &Value) -> &[Value] {
    let choice = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array());
    choice.map_or(&[], Vec::as_slice)
}
