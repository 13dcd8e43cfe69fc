//! Changes what schemars writes to what this contract means by it: nulls, bounds, the order of keys.

use crate::limits;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A field that the server omits when it is empty is never `null`. A field that it always writes needs no default.
pub(super) fn never_null_when_optional(schema: &mut Value) {
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

/// Removes the keyword `examples` of every schema. A property may also be named `examples`: it stays.
pub(super) fn drop_examples(value: &mut Value) {
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
pub(super) fn tidy(value: &mut Value) {
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
