//! The committed files are up to date with the types, and describe all of them.

use serde_json::Value;
use std::{fs, path::Path};
use taskwire_protocol::{
    Kind,
    events::EVENTS,
    generate::{OUTPUTS, describe, schema_text},
    http::ROUTES,
    operations::CATALOG,
    signals::SIGNALS,
};

fn committed(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_default()
}

/// Calls `look` with every value of the document and its place in it.
fn walk(value: &Value, place: &str, look: &mut impl FnMut(&Value, &str)) {
    look(value, place);
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{place}/{index}"), look);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, &format!("{place}/{name}"), look);
            }
        }
        _ => {}
    }
}

#[test]
fn the_generated_files_are_fresh() {
    let stale: Vec<&str> = OUTPUTS
        .iter()
        .filter(|(name, text)| committed(name) != text())
        .map(|(name, _)| *name)
        .collect();
    assert!(
        stale.is_empty(),
        "stale: {}; run `cargo run -p taskwire-protocol --bin generate` and commit what it writes",
        stale.join(", ")
    );
}

#[test]
fn the_text_is_the_same_every_time() {
    assert_eq!(schema_text(), schema_text());
    let read: Value = serde_json::from_str(&schema_text()).unwrap();
    assert_eq!(read, describe());
}

#[test]
fn every_reference_leads_somewhere() {
    let document = describe();
    walk(&document, "", &mut |value, place| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            assert!(
                document.pointer(pointer).is_some(),
                "{place} refers to {reference}"
            );
        }
    });
}

#[test]
fn every_definition_is_referred_to() {
    let text = describe().to_string();
    for name in describe()["$defs"].as_object().unwrap().keys() {
        assert!(
            text.contains(&format!("\"#/$defs/{name}\"")),
            "nothing refers to {name}"
        );
    }
}

#[test]
fn every_operation_event_and_signal_has_a_sentence() {
    let operations = CATALOG.iter().map(|entry| (entry.name, entry.doc));
    let events = EVENTS.iter().map(|entry| (entry.name, entry.doc));
    let signals = SIGNALS.iter().map(|entry| (entry.name, entry.doc));
    for (name, doc) in operations.chain(events).chain(signals) {
        assert!(doc.len() > 2 && doc.ends_with('.'), "{name}: {doc:?}");
    }
}

#[test]
fn every_type_and_field_is_described() {
    let document = describe();
    let described = |schema: &Value| {
        schema["description"]
            .as_str()
            .is_some_and(|text| text.ends_with('.'))
    };
    for (name, definition) in document["$defs"].as_object().unwrap() {
        assert!(described(definition), "{name} is not described");
        walk(definition, name, &mut |value, place| {
            for (field, schema) in value
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let tag = schema.get("const").is_some();
                let is_schema = schema.is_object() && !place.ends_with("/properties");
                assert!(
                    tag || !is_schema || described(schema),
                    "{place}: {field} is not described"
                );
            }
        });
    }
}

#[test]
fn both_directions_agree_on_the_types_they_share() {
    // a type of both requests and answers is described once, so it must not depend on the direction
    let document = describe();
    let sent = reachable(&document, &document["operations"], "params");
    let answered = reachable(&document, &document["operations"], "output");
    for name in sent.iter().filter(|name| answered.contains(name)) {
        let definition = &document["$defs"][name];
        assert!(
            definition.get("properties").is_none(),
            "{name} is both read and written, and has fields"
        );
    }
}

#[test]
fn every_optional_parameter_may_be_null() {
    let document = describe();
    let operations = document["operations"].as_object().unwrap();
    let params = operations
        .iter()
        .map(|(name, operation)| (name.as_str(), &operation["params"]));
    let types = reachable(&document, &document["operations"], "params");
    let types = types.iter().map(|name| (name.as_str(), &document["$defs"][name]));
    for (name, schema) in params.chain(types) {
        walk(schema, name, &mut |value, place| {
            let required = value["required"].as_array();
            let is_required =
                |field: &str| required.is_some_and(|names| names.iter().any(|name| name == field));
            for (field, schema) in value
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let is_never_empty = NEVER_EMPTY
                    .iter()
                    .any(|(of, fields)| place.starts_with(of) && fields.contains(&field.as_str()));
                assert!(
                    is_required(field) || takes_null(schema) != is_never_empty,
                    "{place}: {field} may be omitted but not null"
                );
            }
        });
    }
}

/// Fields that an update can change and not clear.
const NEVER_EMPTY: [(&str, &[&str]); 6] = [
    ("UpdateWorkspace", &["name", "stages"]),
    ("UpdateProject", &["name"]),
    ("UpdateTag", &["name"]),
    ("UpdateTask", &["title", "completed", "all_day", "stage"]),
    ("UpdateProfile", &["name", "username", "timezone"]),
    ("UpdateUser", &["role", "is_active", "plan", "name", "email"]),
];

fn takes_null(schema: &Value) -> bool {
    let types = &schema["type"];
    let named = types == "null"
        || types
            .as_array()
            .is_some_and(|names| names.contains(&Value::from("null")));
    named
        || schema["anyOf"]
            .as_array()
            .is_some_and(|variants| variants.iter().any(takes_null))
}

fn reachable(document: &Value, operations: &Value, side: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut next: Vec<Value> = operations
        .as_object()
        .unwrap()
        .values()
        .map(|operation| operation[side].clone())
        .collect();
    while let Some(schema) = next.pop() {
        walk(&schema, "", &mut |value, _| {
            let reference = value.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.rsplit('/').next());
            if let Some(name) = name.filter(|name| !names.iter().any(|known| known == name)) {
                names.push(name.to_owned());
                next.push(document["$defs"][name].clone());
            }
        });
    }
    names
}

#[test]
fn typescript_and_the_reference_have_each_operation_and_event() {
    let (typescript, reference) = (committed("taskwire.ts"), committed("PROTOCOL.md"));
    for entry in CATALOG {
        assert!(
            typescript.contains(&format!("\n  \"{}\": {{ params: ", entry.name)),
            "{}",
            entry.name
        );
        assert!(
            reference.contains(&format!("\n#### `{}`\n", entry.name)),
            "{}",
            entry.name
        );
    }
    for entry in EVENTS {
        assert!(
            typescript.contains(&format!("\n  \"{}\": ", entry.name)),
            "{}",
            entry.name
        );
        assert!(
            reference.contains(&format!("\n| `{}` |", entry.name)),
            "{}",
            entry.name
        );
    }
}

#[test]
fn the_hand_written_frames_have_the_fields_of_the_types() {
    let (document, typescript) = (describe(), committed("taskwire.ts"));
    let resolve = |schema: &Value| {
        let reference = schema["$ref"].as_str().expect("a reference").to_owned();
        document.pointer(&reference[1..]).expect("a definition").clone()
    };
    for frame in document["$defs"]["ServerFrame"]["oneOf"].as_array().unwrap() {
        let mut frame = resolve(frame);
        if let Some(first) = frame.pointer("/oneOf/0") {
            frame = resolve(first);
        }
        let tag = frame["properties"]["type"]["const"].as_str().unwrap();
        let start = typescript
            .find(&format!("type: \"{tag}\";"))
            .unwrap_or(typescript.len());
        let text = typescript[start..].split('}').next().unwrap();
        for field in frame["properties"].as_object().unwrap().keys() {
            let there = text.contains(&format!("{field}: ")) || text.contains(&format!("{field}?: "));
            assert!(there, "{tag}: {field} is missing in frames.ts");
        }
    }
}

#[test]
fn every_row_of_a_table_has_a_frame_of_its_own() {
    let document = describe();
    let has = |tag: &str, name: &str, ends: &str| {
        let all = document["$defs"].as_object().unwrap();
        let found = all.iter().filter(|(definition, shape)| {
            definition.ends_with(ends) && shape["properties"][tag]["const"] == name
        });
        assert_eq!(found.count(), 1, "{name}");
    };
    for entry in CATALOG {
        has("type", entry.name, "Request");
        if entry.kind == Kind::Mutation && entry.name != "batch" {
            has("type", entry.name, "Op");
        }
    }
    for entry in EVENTS {
        has("event", entry.name, "Event");
    }
    for entry in SIGNALS {
        has("signal", entry.name, "Signal");
    }
}

#[test]
fn only_mutations_take_an_op_id() {
    let document = describe();
    for entry in CATALOG {
        let all = document["$defs"].as_object().unwrap();
        let request = all.iter().find(|(name, shape)| {
            name.ends_with("Request") && shape["properties"]["type"]["const"] == entry.name
        });
        let takes = request.unwrap().1["properties"].get("op_id").is_some();
        assert_eq!(takes, entry.kind == Kind::Mutation, "{}", entry.name);
    }
}

#[test]
fn typescript_has_what_only_http_takes_and_says() {
    let typescript = committed("taskwire.ts");
    for route in ROUTES {
        assert!(
            typescript.contains(&format!("\n  \"{}\": {{ body: ", route.name)),
            "{}",
            route.name
        );
    }
    for name in [
        "TokenDelivery",
        "RefreshTokens",
        "HttpError",
        "HttpFailure",
        "HttpLogIn",
        "HttpSignUp",
    ] {
        assert!(
            typescript.contains(&format!("export interface {name} "))
                || typescript.contains(&format!("export type {name} ")),
            "{name}"
        );
    }
}

#[test]
fn every_place_of_the_reference_is_filled_and_every_link_leads_somewhere() {
    let reference = committed("PROTOCOL.md");
    assert!(!reference.contains("{{"), "PROTOCOL.md has an unfilled place");
    let anchors: Vec<String> = reference
        .lines()
        .filter_map(|line| match line.strip_prefix("<a id=\"") {
            Some(rest) => rest.split('"').next().map(str::to_owned),
            None => line.starts_with('#').then(|| {
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .replace(' ', "-")
            }),
        })
        .collect();
    for link in reference
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        assert!(
            anchors.iter().any(|anchor| anchor == link),
            "PROTOCOL.md has no heading or anchor #{link}"
        );
    }
}
