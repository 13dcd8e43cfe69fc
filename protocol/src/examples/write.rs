//! Writes the text of an example from the schema of an operation's parameters.

use super::MOMENT;
use crate::generate::{fields, reference, resolve, variants};
use serde_json::{Value, json};

type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// Writes one example.
pub(super) struct Writer<'a> {
    document: &'a Value,
    /// Picks a number below the given one. Without it the writer takes the first of several values.
    choose: Option<Choose<'a>>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(document: &'a Value) -> Writer<'a> {
        let choose = None;
        Writer { document, choose }
    }

    pub(super) fn varying(document: &'a Value, choose: Choose<'a>) -> Writer<'a> {
        let choose = Some(choose);
        Writer { document, choose }
    }

    /// Writes parameters of this schema.
    pub(super) fn params(&mut self, schema: &Value) -> String {
        let schema = resolve(schema, self.document);
        self.object(schema, false)
    }

    fn object(&mut self, schema: &Value, optional: bool) -> String {
        let mut members = Vec::new();
        for (name, field, required) in fields(schema) {
            if required || self.writes_optional(field) {
                let value = self.value(field, optional || !required);
                match value {
                    Some(value) => members.push(format!(r#""{name}":{value}"#)),
                    None if required => members.push(format!(r#""{name}":"…""#)),
                    None => {}
                }
            }
        }
        format!("{{{}}}", members.join(","))
    }

    /// Whether an optional parameter is written.
    fn writes_optional(&mut self, field: &Value) -> bool {
        match &mut self.choose {
            Some(choose) => choose(2) == 1,
            None => field["examples"].get(0).is_some_and(|first| !first.is_null()),
        }
    }

    fn one<'v>(&mut self, of: &'v [Value]) -> Option<&'v Value> {
        let index = match &mut self.choose {
            Some(choose) if !of.is_empty() => choose(of.len()),
            _ => 0,
        };
        of.get(index)
    }

    /// A value for a parameter; `None` for a string parameter without an example.
    fn value(&mut self, schema: &Value, optional: bool) -> Option<String> {
        if let Some(examples) = schema["examples"].as_array() {
            return self.one(examples).map(|value| mark(value, optional));
        }
        if let Some(known) = reference(schema).and_then(by_name) {
            return Some(mark(&known, optional));
        }
        let schema = resolve(schema, self.document);
        let variants: Vec<Value> = variants(schema)
            .iter()
            .filter(|variant| variant["type"] != "null")
            .cloned()
            .collect();
        if let Some(variant) = self.one(&variants) {
            return self.value(variant, optional);
        }
        if let Some(constant) = schema.get("const") {
            return Some(constant.to_string());
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.one(values).map(Value::to_string);
        }
        self.by_type(schema, optional)
    }

    fn by_type(&mut self, schema: &Value, optional: bool) -> Option<String> {
        match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
            Some("boolean") => {
                let both = [json!(true), json!(false)];
                self.one(&both).map(Value::to_string)
            }
            Some("integer") => Some(schema["minimum"].as_i64().unwrap_or(1).to_string()),
            Some("array") => {
                let item = self.value(&schema["items"], optional)?;
                Some(format!("[{item}]"))
            }
            Some("object") => Some(self.object(schema, optional)),
            _ => None,
        }
    }
}

/// The value for a type with this name: a moment, or the place of an id. An `OpId` has none: it names a request and not
/// something that exists.
fn by_name(name: &str) -> Option<Value> {
    match name {
        "Timestamp" => Some(json!(MOMENT)),
        "OpId" => None,
        _ => {
            let entity = snake_case(name.strip_suffix("Id")?);
            Some(json!(format!("{{{entity}}}")))
        }
    }
}

/// The JSON of an example. In an optional parameter each place gets a `?`.
fn mark(value: &Value, optional: bool) -> String {
    let text = value.to_string();
    if optional {
        text.replace("}\"", "?}\"")
    } else {
        text
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
