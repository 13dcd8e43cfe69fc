//! The contract as one JSON Schema (2020-12) document. Parameters are described as the server reads them: an optional
//! one may be missing. Everything else is described as the server writes it: a field that may be `null` is always
//! there.

mod frames;
mod look;
mod routes;
mod tidy;

pub(super) use frames::is_made;
pub(crate) use look::{fields, reference, resolve, variants};

use crate::{
    CloseCode, ErrorCode, OpId, PROTOCOL, REVISION, Retry, SUBPROTOCOL,
    close::Then,
    events::{EVENTS, EventEntry, Forgotten},
    frames::{RequestId, ServerFrame},
    limits::BOUNDS,
    operations::{Access, CATALOG, Kind, OperationEntry},
    signals::SIGNALS,
};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tidy::{drop_examples, never_null_when_optional, tidy};

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
    let operations = table(CATALOG, |entry| {
        (entry.name, operation(entry, &mut read, &mut written))
    });
    let events = table(EVENTS, |entry| (entry.name, event(entry, &mut written)));
    let signals = table(SIGNALS, |entry| {
        (
            entry.name,
            payload(entry.doc, &(entry.payload)(&mut written).to_value()),
        )
    });
    let (http, bodies) = routes::table(&mut read, &mut written);
    read.subschema_for::<RequestId>();
    read.subschema_for::<OpId>();
    written.subschema_for::<ServerFrame>();
    let mut definitions = definitions(&mut read, &mut written);
    routes::add_bodies(&mut definitions, &bodies);
    frames::add(&mut definitions, &operations, &events, &signals);
    let mut document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Taskwire",
        "description": "A frame of the Taskwire wire contract. Beside the frames, this document lists the operations, \
            events, signals, HTTP routes, limits, errors and close codes.",
        "oneOf": [frames::refer("ClientFrame"), frames::refer("ServerFrame")],
        "protocol": PROTOCOL,
        "revision": REVISION,
        "subprotocol": SUBPROTOCOL,
        "limits": bounds(),
        "operations": operations,
        "events": events,
        "signals": signals,
        "frames": { "client": frames::refer("ClientFrame"), "server": frames::refer("ServerFrame") },
        "http": http,
        "errors": errors(),
        "close_codes": close_codes(),
        "$defs": definitions,
    });
    tidy(&mut document);
    document
}

/// An object with a member for each row of a table.
fn table<T>(rows: &[T], mut member: impl FnMut(&T) -> (&'static str, Value)) -> Map<String, Value> {
    let members = rows.iter().map(|row| {
        let (name, value) = member(row);
        (name.to_owned(), value)
    });
    members.collect()
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

/// An event, with what can take its payload's place.
fn event(entry: &EventEntry, written: &mut SchemaGenerator) -> Value {
    let data = (entry.payload)(written).to_value();
    if !entry.forgettable {
        return payload(entry.doc, &data);
    }
    let either = json!([data, written.subschema_for::<Forgotten>()]);
    payload(entry.doc, &json!({ "anyOf": either }))
}

fn payload(doc: &str, data: &Value) -> Value {
    json!({ "description": doc, "data": data })
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
    let mut all = read.take_definitions(false);
    all.extend(answers);
    all
}
