//! `PROTOCOL.md`: the prose of `reference.md` with tables in its `{{…}}` places. Knows Markdown, and JSON Schema as
//! far as this contract uses it.

use super::schema::{self, describe, fields, resolve, variants};
use crate::{
    CloseCode, ErrorCode, Retry,
    close::Then,
    events::EVENTS,
    examples::{Examples, id},
    limits::{self, BOUNDS},
    operations::{Access, CATALOG, Kind, OperationEntry},
    signals::SIGNALS,
};
use serde_json::{Map, Value};
use std::fmt::Write;

const TEMPLATE: &str = include_str!("reference.md");

/// The text of `PROTOCOL.md`.
pub(super) fn text() -> String {
    let document = describe();
    [
        ("{{limits}}", bounds()),
        ("{{operations}}", operations(&document)),
        ("{{events}}", events(&document)),
        ("{{signals}}", signals(&document)),
        ("{{errors}}", errors()),
        ("{{close_codes}}", close_codes()),
        ("{{types}}", types(&document)),
    ]
    .into_iter()
    .fold(TEMPLATE.to_owned(), |text, (place, content)| {
        text.replace(place, content.trim_end())
    })
}

fn bounds() -> String {
    let mut out = String::from("| name | bound | what |\n|---|---|---|\n");
    for bound in BOUNDS {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} |",
            bound.name,
            bound.value,
            cell(bound.doc)
        );
    }
    out
}

fn operations(document: &Value) -> String {
    let mut out = String::new();
    let mut chapter = "";
    let examples = Examples::new();
    for entry in CATALOG {
        let this = chapter_of(entry.name);
        if this != chapter {
            let _ = writeln!(out, "### {this}\n");
        }
        chapter = this;
        operation(&mut out, entry, document, &examples);
    }
    out
}

fn chapter_of(operation: &str) -> &'static str {
    match operation.split('.').next() {
        Some("auth") => "Signing in",
        Some("profile" | "user") => "People",
        Some("workspace") => "Workspaces",
        Some("member") => "Members",
        Some("task") => "Tasks",
        Some("notification") => "Notifications",
        Some("presence") => "Presence",
        Some("admin") => "Administration",
        Some("stream") => "Following and reading streams",
        _ => "Other operations",
    }
}

fn operation(out: &mut String, entry: &OperationEntry, document: &Value, examples: &Examples) {
    let shape = &document["operations"][entry.name];
    let _ = writeln!(out, "#### `{}`\n\n{}\n", entry.name, entry.doc);
    let _ = writeln!(out, "{} {}\n", kind(entry.kind), access(entry.access));
    let params = resolve(&shape["params"], document);
    let note = params["description"]
        .as_str()
        .and_then(|text| text.split_once(": "));
    if let Some((_, note)) = note {
        let _ = writeln!(out, "Parameters, {note}\n");
    }
    if fields(params).is_empty() {
        out.push_str("No parameters.\n\n");
    } else {
        table(out, params, "required");
    }
    let output = resolve(&shape["output"], document);
    let answer = match entry.name {
        "auth" => format!("`welcome` with {}", type_of(&shape["output"])),
        "ping" => "`pong`".to_owned(),
        "protocol.describe" => "the JSON Schema document, an object".to_owned(),
        _ if output["type"] == "object" && fields(output).is_empty() => "`{}`".to_owned(),
        _ => type_of(&shape["output"]),
    };
    let frame = request(entry, examples);
    let _ = writeln!(out, "Answer: {answer}.\n\n```json\n{frame}\n```\n");
}

/// The request frame of an operation, on one line, with the fields in the order of the reference.
fn request(entry: &OperationEntry, examples: &Examples) -> String {
    let mut frame = format!(r#"{{"type":"{}","id":7"#, entry.name);
    if entry.kind == Kind::Mutation {
        let _ = write!(frame, r#","op_id":"{}""#, id(9));
    }
    let data = examples.of(entry.name).map(|example| example.printed());
    if let Some(data) = data.filter(|data| data != "{}") {
        let _ = write!(frame, r#","data":{data}"#);
    }
    frame.push('}');
    frame
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Query => "A query.",
        Kind::Mutation => "A mutation: takes `op_id`; its answer has `at`.",
        Kind::Command => "A command: acts at once and leaves no log entry.",
        Kind::Session => "Concerns the socket or the session.",
    }
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Anyone => "For everyone, also before authentication.",
        Access::User => "For every signed-in user.",
        Access::Viewer => "For members of the workspace with at least the role `viewer`.",
        Access::Member => "For members of the workspace with at least the role `member`.",
        Access::Admin => "For members of the workspace with at least the role `admin`.",
        Access::Owner => "For owners of the workspace.",
        Access::ServerAdmin => "For accounts with the global role `admin`.",
    }
}

fn events(document: &Value) -> String {
    let mut out = String::from("| event | when | `data` |\n|---|---|---|\n");
    for entry in EVENTS {
        let payload = type_of(&document["events"][entry.name]["data"]);
        let _ = writeln!(out, "| `{}` | {} | {payload} |", entry.name, cell(entry.doc));
    }
    out
}

fn signals(document: &Value) -> String {
    let mut out = String::from("| signal | when | `data` |\n|---|---|---|\n");
    for entry in SIGNALS {
        let payload = type_of(&document["signals"][entry.name]["data"]);
        let _ = writeln!(out, "| `{}` | {} | {payload} |", entry.name, cell(entry.doc));
    }
    out
}

fn errors() -> String {
    let mut out = String::from("| code | HTTP | retry | meaning |\n|---|---|---|---|\n");
    for code in ErrorCode::ALL {
        let retry = match code.retry() {
            Retry::No => "no",
            Retry::Yes => "yes; a mutation with the same `op_id`",
            Retry::After => "after `retry_after_ms`",
        };
        let _ = writeln!(
            out,
            "| `{code}` | {} | {retry} | {} |",
            code.status(),
            cell(code.doc())
        );
    }
    out
}

fn close_codes() -> String {
    let mut out = String::from("| code | meaning | a client |\n|---|---|---|\n");
    for code in CloseCode::ALL {
        let then = match code.then() {
            Then::AsYouLike => "reconnects or not, as it likes",
            Then::Stop => "stops: a reconnect would repeat the fault",
            Then::AfterGoodbye => "reconnects after `reconnect_after_ms` of `server.goodbye`",
            Then::Backoff => "reconnects with backoff",
            Then::Token => "gets a fresh token, then reconnects",
            Then::AskThePerson => "stops and asks the person to sign in again",
            Then::Resume => "reconnects with backoff and resumes",
            Then::TenSeconds => "reconnects after 10 s",
        };
        let _ = writeln!(out, "| {} | {} | {then} |", code.code(), cell(code.doc()));
    }
    out
}

/// Every type except the parameters: these are described with their operation.
fn types(document: &Value) -> String {
    let params: Vec<&str> = CATALOG
        .iter()
        .filter_map(|entry| schema::reference(&document["operations"][entry.name]["params"]))
        .collect();
    let empty = Map::new();
    let all = document["$defs"].as_object().unwrap_or(&empty);
    let mut out = String::new();
    // frames and codes have their own chapters; `Nothing` is printed as `{}`
    let elsewhere = ["ErrorCode", "Nothing", "RpcAnswer", "RpcOkFrame"];
    for (name, definition) in all {
        let name = name.as_str();
        if CHOICES.contains(&name) {
            choice(&mut out, name, definition, document);
        } else if !params.contains(&name) && !elsewhere.contains(&name) && !schema::is_made(name) {
            one_type(&mut out, name, definition);
        }
    }
    out
}

/// Choices whose shapes have the same fields: one table describes all of them.
const CHOICES: [&str; 2] = ["BatchOp", "EventFrame"];

fn choice(out: &mut String, name: &str, definition: &Value, document: &Value) {
    heading(out, name, definition);
    let shapes: Vec<&Value> = variants(definition)
        .iter()
        .map(|shape| resolve(shape, document))
        .collect();
    let Some(first) = shapes.first() else { return };
    out.push_str("| field | type | | |\n|---|---|---|---|\n");
    for (name, field, _) in fields(first) {
        let of_all = |is: &dyn Fn(&Value) -> bool| shapes.iter().all(|shape| is(shape));
        let required = of_all(&|shape| {
            let names = shape["required"].as_array();
            names.is_some_and(|names| names.iter().any(|other| other == name))
        });
        let kind = if of_all(&|shape| shape["properties"][name] == *field) {
            type_of(field)
        } else if field.get("const").is_some() {
            "string".to_owned()
        } else {
            "object".to_owned()
        };
        let need = if required { "always" } else { "optional" };
        let doc = field["description"].as_str().unwrap_or_default();
        let _ = writeln!(out, "| `{name}` | {kind} | {need} | {} |", cell(doc));
    }
    out.push('\n');
}

fn heading(out: &mut String, name: &str, definition: &Value) {
    let doc = definition["description"].as_str().unwrap_or_default();
    let _ = writeln!(
        out,
        "<a id=\"type-{}\"></a>\n\n### {name}\n\n{doc}\n",
        name.to_ascii_lowercase()
    );
}

fn one_type(out: &mut String, name: &str, definition: &Value) {
    heading(out, name, definition);
    if definition["properties"].is_object() {
        table(out, definition, "always");
        return;
    }
    let variants = variants(definition);
    if variants.is_empty() {
        let _ = writeln!(out, "{}\n", first_upper(&type_of(definition)));
        return;
    }
    for variant in variants {
        let doc = variant["description"].as_str().unwrap_or_default();
        if variant["properties"].is_object() {
            let _ = writeln!(out, "{doc}\n");
            table(out, variant, "always");
        } else {
            let _ = writeln!(out, "- {}: {doc}", type_of(variant));
        }
    }
    out.push('\n');
}

fn table(out: &mut String, schema: &Value, needed: &str) {
    out.push_str("| field | type | | |\n|---|---|---|---|\n");
    for (name, field, required) in fields(schema) {
        let doc = field["description"].as_str().unwrap_or_default();
        let need = if required { needed } else { "optional" };
        let _ = writeln!(out, "| `{name}` | {} | {need} | {} |", type_of(field), cell(doc));
    }
    out.push('\n');
}

/// Escapes a text for a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn first_upper(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), chars.as_str())
    })
}

fn type_of(schema: &Value) -> String {
    if let Some(name) = schema::reference(schema) {
        return if name == "ErrorCode" {
            "[ErrorCode](#errors)".to_owned()
        } else {
            format!("[{name}](#type-{})", name.to_ascii_lowercase())
        };
    }
    if let Some(constant) = schema.get("const") {
        return format!("`{constant}`");
    }
    let variants = variants(schema);
    if !variants.is_empty() {
        return variants.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(name) => one(name, schema),
        Value::Array(names) => {
            let names = names.iter().filter_map(Value::as_str);
            names
                .map(|name| one(name, schema))
                .collect::<Vec<_>>()
                .join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn one(name: &str, schema: &Value) -> String {
    let bounds = |least: &str, most: &str| {
        let number = |key: &str| {
            schema[key]
                .as_i64()
                .filter(|bound| bound.abs() != limits::INTEGER)
        };
        match (number(least), number(most)) {
            (Some(least), Some(most)) => format!(", {least} to {most}"),
            (None, Some(most)) => format!(", at most {most}"),
            _ => String::new(),
        }
    };
    match name {
        "string" => match schema["format"].as_str() {
            Some("uuid") => "UUID string".to_owned(),
            Some("date-time") => "RFC 3339 string".to_owned(),
            _ if schema.get("maxLength").is_some() => {
                format!("string{} characters", bounds("minLength", "maxLength"))
            }
            _ => "string".to_owned(),
        },
        "integer" => format!("integer{}", bounds("minimum", "maximum")),
        "array" => match bounds("minItems", "maxItems") {
            none if none.is_empty() => format!("array of {}", type_of(&schema["items"])),
            bounds => format!("array{bounds} items, each {}", type_of(&schema["items"])),
        },
        "object" if schema["additionalProperties"].is_object() => {
            format!("object of {} by name", type_of(&schema["additionalProperties"]))
        }
        "null" => "`null`".to_owned(),
        other => other.to_owned(),
    }
}
