//! The frames as definitions: one for each operation, event and signal, and the choices among them. Each is whole, and
//! its `type`, `event` or `signal` tells it from the others, so that generators of code make a named type of each.

use super::look::{reference, variants};
use crate::{
    events::EVENTS,
    operations::{CATALOG, Kind, OperationEntry},
    signals::SIGNALS,
};
use serde_json::{Map, Value, json};

/// The choices of frames, and the frames that no table lists.
const OTHERS: [&str; 13] = [
    "ClientFrame",
    "MutationFrame",
    "QueryFrame",
    "CommandFrame",
    "SessionFrame",
    "ServerFrame",
    "WelcomeFrame",
    "OkFrame",
    "ErrorFrame",
    "EventFrame",
    "SignalFrame",
    "PongFrame",
    "BatchOp",
];

/// Whether this module makes the definition with this name. Languages with generic types describe these frames better.
pub(in crate::generate) fn is_made(name: &str) -> bool {
    let operations = CATALOG
        .iter()
        .flat_map(|entry| [called(entry.name, "Request"), called(entry.name, "Op")]);
    let events = EVENTS.iter().map(|entry| called(entry.name, "Event"));
    let signals = SIGNALS.iter().map(|entry| called(entry.name, "Signal"));
    OTHERS.contains(&name) || operations.chain(events).chain(signals).any(|made| made == name)
}

/// Adds all frames. The definitions of `EventFrame`, `ServerFrame` and `BatchOp` become choices.
pub(super) fn add(
    definitions: &mut Map<String, Value>,
    operations: &Map<String, Value>,
    events: &Map<String, Value>,
    signals: &Map<String, Value>,
) {
    requests(definitions, operations);
    batch(definitions, operations);
    event_frames(definitions, events);
    server_frames(definitions, signals);
}

/// A reference to a definition.
pub(super) fn refer(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The name of a definition: `TaskCreateRequest` for `task.create`.
fn called(wire: &str, suffix: &str) -> String {
    let mut name = String::new();
    for word in wire.split(['.', '_']) {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name + suffix
}

fn choice(doc: &str, of: impl IntoIterator<Item = String>) -> Value {
    let choices: Vec<Value> = of.into_iter().map(|name| refer(&name)).collect();
    json!({ "description": doc, "oneOf": choices })
}

fn nullable(name: &str, doc: &str) -> Value {
    json!({ "description": doc, "anyOf": [refer(name), { "type": "null" }] })
}

fn constant(value: &str, doc: &str) -> Value {
    json!({ "const": value, "description": doc, "type": "string" })
}

fn requests(definitions: &mut Map<String, Value>, operations: &Map<String, Value>) {
    for entry in CATALOG {
        let request = request(entry, operations, definitions);
        definitions.insert(called(entry.name, "Request"), request);
    }
    let kinds = [
        (
            Kind::Mutation,
            "MutationFrame",
            "A request that changes state. It takes an `op_id`, which makes it exactly-once.",
        ),
        (Kind::Query, "QueryFrame", "A request that reads."),
        (
            Kind::Command,
            "CommandFrame",
            "A request that acts at once and leaves no log entry. Sent twice, it acts twice.",
        ),
        (
            Kind::Session,
            "SessionFrame",
            "A request that concerns the socket or the sign-in itself.",
        ),
    ];
    for (kind, name, doc) in kinds {
        let all = CATALOG.iter().filter(|entry| entry.kind == kind);
        let frame = choice(doc, all.map(|entry| called(entry.name, "Request")));
        definitions.insert(name.to_owned(), frame);
    }
    let doc = "What a client sends: a request for one operation. Unknown fields beside those described are ignored.";
    let client = choice(doc, kinds.map(|(_, name, _)| name.to_owned()));
    definitions.insert("ClientFrame".to_owned(), client);
}

fn request(
    entry: &OperationEntry,
    operations: &Map<String, Value>,
    definitions: &Map<String, Value>,
) -> Value {
    let (data, needed) = parameters(entry, operations, definitions);
    let mut fields = json!({
        "type": constant(entry.name, "The operation's wire name."),
        "id": nullable("RequestId", "Echoed in the answer. Without it, only errors are answered."),
        "data": data,
    });
    if entry.kind == Kind::Mutation {
        fields["op_id"] = nullable("OpId", "Makes the mutation exactly-once.");
    }
    json!({ "description": entry.doc, "type": "object", "properties": fields, "required": required(needed) })
}

/// The field `data` of an operation, and whether it is required.
fn parameters(
    entry: &OperationEntry,
    operations: &Map<String, Value>,
    definitions: &Map<String, Value>,
) -> (Value, bool) {
    let mut params = operations[entry.name]["params"].clone();
    let definition = reference(&params).and_then(|name| definitions.get(name));
    if definition.is_some_and(|definition| definition.get("required").is_some()) {
        params["description"] = json!("The parameters.");
        return (params, true);
    }
    let doc = "The parameters; may be omitted, since none is required.";
    (
        json!({ "description": doc, "anyOf": [params, { "type": "null" }] }),
        false,
    )
}

fn required(data: bool) -> Value {
    if data {
        json!(["type", "data"])
    } else {
        json!(["type"])
    }
}

/// Makes `BatchOp` a choice: each mutation except `batch`. The one that the type gives as its example is the first.
fn batch(definitions: &mut Map<String, Value>, operations: &Map<String, Value>) {
    let Some(sketch) = definitions.get("BatchOp").cloned() else {
        return;
    };
    let mutations = CATALOG
        .iter()
        .filter(|entry| entry.kind == Kind::Mutation && entry.name != "batch");
    let mut names = Vec::new();
    for entry in mutations {
        let (data, needed) = parameters(entry, operations, definitions);
        let mut op = sketch.clone();
        let doc = sketch["properties"]["type"]["description"].as_str();
        op["description"] = json!(format!("`{}` in a batch.", entry.name));
        op["properties"]["type"] = constant(entry.name, doc.unwrap_or_default());
        op["properties"]["data"] = data;
        op["required"] = required(needed);
        let name = called(entry.name, "Op");
        if entry.name == sketch["properties"]["type"]["examples"][0] {
            names.insert(0, name.clone());
        } else {
            names.push(name.clone());
        }
        definitions.insert(name, op);
    }
    let doc = sketch["description"].as_str().unwrap_or_default();
    definitions.insert("BatchOp".to_owned(), choice(doc, names));
}

/// Makes `EventFrame` a choice: each event with its payload.
fn event_frames(definitions: &mut Map<String, Value>, events: &Map<String, Value>) {
    let Some(sketch) = definitions.get("EventFrame").cloned() else {
        return;
    };
    let text = |field: &str| {
        let doc = &sketch["properties"][field]["description"];
        doc.as_str().unwrap_or_default().to_owned()
    };
    for entry in EVENTS {
        let mut frame = sketch.clone();
        frame["description"] = json!(entry.doc);
        frame["properties"]["type"] = constant("event", "What the frame is.");
        frame["properties"]["event"] = constant(entry.name, &text("event"));
        frame["properties"]["data"] = events[entry.name]["data"].clone();
        frame["properties"]["data"]["description"] = json!(text("data"));
        if let Some(required) = frame["required"].as_array_mut() {
            required.insert(0, json!("type"));
        }
        definitions.insert(called(entry.name, "Event"), frame);
    }
    let doc = sketch["description"].as_str().unwrap_or_default();
    let all = choice(doc, EVENTS.iter().map(|entry| called(entry.name, "Event")));
    definitions.insert("EventFrame".to_owned(), all);
}

/// Makes a definition of each frame of `ServerFrame`, and of each signal.
fn server_frames(definitions: &mut Map<String, Value>, signals: &Map<String, Value>) {
    let Some(sketch) = definitions.get("ServerFrame").cloned() else {
        return;
    };
    let mut names = Vec::new();
    for variant in variants(&sketch) {
        let Some(kind) = variant["properties"]["type"]["const"].as_str() else {
            continue;
        };
        let name = called(kind, "Frame");
        match kind {
            "event" => {}
            "signal" => signal_frames(definitions, variant, signals),
            _ => _ = definitions.insert(name.clone(), variant.clone()),
        }
        names.push(name);
    }
    let doc = "What a server sends. Ignore frames, events and signals that are not listed: a newer server may send them.";
    definitions.insert("ServerFrame".to_owned(), choice(doc, names));
    rpc_answer(definitions);
}

fn signal_frames(definitions: &mut Map<String, Value>, sketch: &Value, signals: &Map<String, Value>) {
    for entry in SIGNALS {
        let mut frame = sketch.clone();
        frame["description"] = json!(entry.doc);
        frame["properties"]["signal"] = constant(entry.name, "The signal's wire name.");
        frame["properties"]["data"] = signals[entry.name]["data"].clone();
        frame["properties"]["data"]["description"] = sketch["properties"]["data"]["description"].clone();
        definitions.insert(called(entry.name, "Signal"), frame);
    }
    let doc = sketch["description"].as_str().unwrap_or_default();
    let all = choice(doc, SIGNALS.iter().map(|entry| called(entry.name, "Signal")));
    definitions.insert("SignalFrame".to_owned(), all);
}

/// The answer to a frame over HTTP. There also a request without an `id` gets an `ok`.
fn rpc_answer(definitions: &mut Map<String, Value>) {
    let Some(mut ok) = definitions.get("OkFrame").cloned() else {
        return;
    };
    ok["description"] = json!("A request of `/v1/rpc` was carried out.");
    ok["properties"]["id"] = nullable("RequestId", "The `id` of the request; `null` when it had none.");
    definitions.insert("RpcOkFrame".to_owned(), ok);
    let doc = "The answer to a frame of `/v1/rpc`.";
    let all = ["RpcOkFrame", "ErrorFrame", "PongFrame"].map(str::to_owned);
    definitions.insert("RpcAnswer".to_owned(), choice(doc, all));
}
