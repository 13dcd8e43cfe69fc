//! The contract as TypeScript types, from the schema document. Knows JSON Schema as far as this contract uses it.
//! Whole numbers stay below 2^53, so a `number` is exact for each.

use super::schema::{self, describe, fields, variants};
use crate::{
    CloseCode, ErrorCode, PROTOCOL, REVISION, SUBPROTOCOL, events::EVENTS, http::ROUTES, limits::BOUNDS,
    operations::CATALOG, signals::SIGNALS,
};
use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "\
// The Taskwire wire contract. Made by `cargo run -p taskwire-protocol --bin generate`; edit the Rust types instead.
// Ignore fields, events and signals that are not listed here: a newer server may send them.
";

/// The frames, which do not depend on the tables.
const FRAMES: &str = include_str!("frames.ts");

/// The text of `taskwire.ts`.
pub(super) fn text() -> String {
    let document = describe();
    let mut out = String::from(HEAD);
    constants(&mut out);
    error_codes(&mut out);
    if let Some(definitions) = document["$defs"].as_object() {
        for (name, definition) in definitions {
            // generic types, in `frames.ts`, describe the frames better than a type for each
            if name != "ErrorCode" && !schema::is_made(name) {
                declare(&mut out, name, definition);
            }
        }
    }
    operations(&mut out, &document);
    tables(&mut out, &document);
    routes(&mut out, &document);
    out.push('\n');
    out.push_str(FRAMES);
    out
}

fn constants(out: &mut String) {
    let _ = write!(
        out,
        "\n/** The version of the contract, announced in `welcome`. */\nexport const PROTOCOL = {PROTOCOL};\n\
         \n/** Rises with each growth of the contract within its version; announced in `welcome`. */\n\
         export const REVISION = {REVISION};\n\
         \n/** The WebSocket subprotocol. */\nexport const SUBPROTOCOL = \"{SUBPROTOCOL}\";\n\
         \n/** The fixed bounds; those of a socket are announced in `welcome`. */\nexport const LIMITS = {{\n"
    );
    for bound in BOUNDS {
        comment(out, "  ", bound.doc);
        let _ = writeln!(out, "  {}: {},", bound.name, bound.value);
    }
    out.push_str("} as const;\n\n/** Why a socket was closed, and what a client then does. */\n");
    out.push_str("export const CLOSE_CODES = {\n");
    for code in CloseCode::ALL {
        let (number, then) = (code.code(), schema::then(code.then()));
        comment(out, "  ", code.doc());
        let _ = writeln!(out, "  {number}: {{ name: \"{code:?}\", then: \"{then}\" }},");
    }
    out.push_str("} as const;\n");
}

fn error_codes(out: &mut String) {
    out.push_str("\n/** An error code. */\nexport type ErrorCode =\n");
    for code in ErrorCode::ALL {
        comment(out, "  ", code.doc());
        let _ = writeln!(out, "  | \"{code}\"");
    }
    out.truncate(out.trim_end().len());
    out.push_str(";\n\n/** The HTTP status of each code, and whether to try again. */\n");
    out.push_str(
        "export const ERRORS: Record<ErrorCode, { http: number; retry: \"no\" | \"yes\" | \"after\" }> = {\n",
    );
    for code in ErrorCode::ALL {
        let (status, retry) = (code.status(), schema::retry(code.retry()));
        let _ = writeln!(out, "  {code}: {{ http: {status}, retry: \"{retry}\" }},");
    }
    out.push_str("};\n");
}

fn declare(out: &mut String, name: &str, definition: &Value) {
    out.push('\n');
    comment(out, "", describe_of(definition));
    if definition["properties"].is_object() && definition.get("oneOf").is_none() {
        let _ = writeln!(out, "export interface {name} {}", object(definition, ""));
        return;
    }
    let variants = definition["oneOf"].as_array();
    if let Some(variants) = variants.filter(|all| all.iter().any(|variant| variant.get("const").is_some())) {
        let _ = writeln!(out, "export type {name} =");
        for variant in variants {
            comment(out, "  ", describe_of(variant));
            let _ = writeln!(out, "  | {}", type_of(variant, "  "));
        }
        out.truncate(out.trim_end().len());
        out.push_str(";\n");
        return;
    }
    let _ = writeln!(out, "export type {name} = {};", type_of(definition, ""));
}

fn operations(out: &mut String, document: &Value) {
    out.push_str("\n/** What each operation does, and who may send it. A mutation takes an `op_id`. */\n");
    out.push_str("export const OPERATIONS = {\n");
    for entry in CATALOG {
        let (kind, access) = (schema::kind(entry.kind), schema::access(entry.access));
        let _ = writeln!(
            out,
            "  \"{}\": {{ kind: \"{kind}\", access: \"{access}\" }},",
            entry.name
        );
    }
    out.push_str(
        "} as const;\n\n/** Every operation by its wire name: what it takes and what `ok.data` holds. */\n",
    );
    out.push_str("export interface Operations {\n");
    for entry in CATALOG {
        let operation = &document["operations"][entry.name];
        let note = format!(
            "{} A {}; access: {}.",
            entry.doc,
            schema::kind(entry.kind),
            schema::access(entry.access)
        );
        comment(out, "  ", &note);
        let (params, output) = (
            type_of(&operation["params"], "  "),
            type_of(&operation["output"], "  "),
        );
        let _ = writeln!(
            out,
            "  \"{}\": {{ params: {params}; output: {output} }};",
            entry.name
        );
    }
    out.push_str("}\n");
}

fn tables(out: &mut String, document: &Value) {
    out.push_str("\n/** Every durable event by its wire name: its payload. */\nexport interface Events {\n");
    for entry in EVENTS {
        comment(out, "  ", entry.doc);
        let data = &document["events"][entry.name]["data"];
        // `Forgotten` is the second choice
        let payload = variants(data).first().unwrap_or(data);
        let _ = writeln!(out, "  \"{}\": {};", entry.name, type_of(payload, "  "));
    }
    out.push_str("}\n\n/** The events that show a task: when it is purged, `Forgotten` takes the payload's place. */\n");
    let forgettable = EVENTS.iter().filter(|entry| entry.forgettable);
    let names = union(forgettable.map(|entry| format!("\"{}\"", entry.name)));
    let _ = writeln!(out, "export type ForgettableEvent = {names};");
    out.push_str("\n/** Every signal by its wire name: its payload. */\nexport interface Signals {\n");
    for entry in SIGNALS {
        comment(out, "  ", entry.doc);
        let payload = type_of(&document["signals"][entry.name]["data"], "  ");
        let _ = writeln!(out, "  \"{}\": {payload};", entry.name);
    }
    out.push_str("}\n");
}

fn routes(out: &mut String, document: &Value) {
    out.push_str("\n/** Every HTTP route: what it takes, and what a success and an error hold. */\n");
    out.push_str("export interface Routes {\n");
    for route in ROUTES {
        comment(out, "  ", route.doc);
        let row = &document["http"][route.name];
        let part = |name: &str| type_of(&row[name], "  ");
        let body = row.get("body").map_or("null".to_owned(), |_| part("body"));
        let (answer, error, status) = (part("answer"), part("error"), route.status);
        let _ = writeln!(
            out,
            "  \"{}\": {{ body: {body}; status: {status}; answer: {answer}; error: {error} }};",
            route.name
        );
    }
    out.push_str("}\n");
}

fn describe_of(schema: &Value) -> &str {
    schema["description"].as_str().unwrap_or_default()
}

/// Writes a doc comment, unless the text is empty.
fn comment(out: &mut String, indent: &str, text: &str) {
    if !text.is_empty() {
        let text = text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace("*/", "* /");
        let _ = writeln!(out, "{indent}/** {text} */");
    }
}

fn object(schema: &Value, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let mut out = String::from("{\n");
    for (name, field, required) in fields(schema) {
        comment(&mut out, &inner, describe_of(field));
        let mark = if required { "" } else { "?" };
        let _ = writeln!(out, "{inner}{name}{mark}: {};", type_of(field, &inner));
    }
    let _ = write!(out, "{indent}}}");
    out
}

/// The TypeScript type of a schema.
pub(super) fn type_of(schema: &Value, indent: &str) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    if let Some(variants) = schema["enum"].as_array() {
        return union(variants.iter().map(Value::to_string));
    }
    let variants = variants(schema);
    if !variants.is_empty() {
        return union(variants.iter().map(|variant| type_of(variant, indent)));
    }
    match &schema["type"] {
        Value::String(name) => one_type(name, schema, indent),
        Value::Array(names) => union(
            names
                .iter()
                .filter_map(Value::as_str)
                .map(|name| one_type(name, schema, indent)),
        ),
        _ => "unknown".to_owned(),
    }
}

fn one_type(name: &str, schema: &Value, indent: &str) -> String {
    match name {
        "integer" | "number" => "number".to_owned(),
        "string" if schema["format"] == "binary" => "Blob".to_owned(),
        "array" => {
            let item = type_of(&schema["items"], indent);
            if item.contains('|') {
                format!("({item})[]")
            } else {
                format!("{item}[]")
            }
        }
        "object" if schema["properties"].is_object() => object(schema, indent),
        "object" => match &schema["additionalProperties"] {
            Value::Object(_) => {
                format!(
                    "Record<string, {}>",
                    type_of(&schema["additionalProperties"], indent)
                )
            }
            Value::Bool(true) => "Record<string, unknown>".to_owned(),
            Value::Bool(false) => "Record<string, never>".to_owned(),
            _ => "object".to_owned(),
        },
        other => other.to_owned(),
    }
}

fn union(variants: impl Iterator<Item = String>) -> String {
    variants.collect::<Vec<_>>().join(" | ")
}
