//! Looks into the document: references, fields, choices. Knows JSON Schema as far as this contract uses it.

use serde_json::Value;

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
