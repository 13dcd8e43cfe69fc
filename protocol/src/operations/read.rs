//! Reads a request's parameters. An error names the path of the field at fault.

use super::Operation;
use crate::{ErrorCode, Failure, batch, json};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The answer to a wire name that the table does not have.
pub(super) fn unknown(name: &str) -> Failure {
    let shown: String = name.chars().take(64).collect();
    Failure::new(
        ErrorCode::UnknownType,
        format!("no operation is called {shown:?}; see protocol.describe"),
    )
    .at("type")
}

/// Reads parameters. On an error it reads them a second time, more slowly, to name the field.
pub(super) fn params<T: Operation>(data: &str) -> Result<T, Failure> {
    // serde would also take an array of the values, in the order of the fields
    if !data.trim_ascii_start().starts_with('{') {
        return Err(Failure::invalid("data", "data must be an object"));
    }
    // the operations of a batch are read one by one later, so that each is refused by itself
    if T::NAME != batch::Batch::NAME {
        refuse_nul(data)?;
    }
    read(data)
}

/// Reads the body of a route that no operation has.
///
/// # Errors
/// `VALIDATION_ERROR` with the field's path.
pub fn body<T: DeserializeOwned>(data: &str) -> Result<T, Failure> {
    refuse_nul(data)?;
    read(data)
}

fn read<T: DeserializeOwned>(data: &str) -> Result<T, Failure> {
    serde_json::from_str(data).or_else(|_| {
        // serde takes `10.0` for no integer
        let written = json::with_integers(data);
        let data = written.as_deref().unwrap_or(data);
        let mut deserializer = serde_json::Deserializer::from_str(data);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| json::explain(&error))
    })
}

/// Refuses U+0000 in every string. JSON can write it only as an escape.
fn refuse_nul(data: &str) -> Result<(), Failure> {
    if !data.contains("\\u0000") {
        return Ok(());
    }
    let field = serde_json::from_str(data)
        .ok()
        .and_then(|value: Value| with_nul(&value, String::new()));
    field.map_or(Ok(()), |field| {
        let message = format!("{field} must not contain U+0000");
        Err(Failure::invalid(field, message))
    })
}

/// The path of the first string that contains U+0000.
fn with_nul(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, item)| with_nul(item, format!("{path}[{i}]"))),
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(if path.is_empty() {
                    "data".to_owned()
                } else {
                    path.clone()
                });
            }
            with_nul(
                value,
                if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                },
            )
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Request;

    fn refused(name: &str, data: &str) -> (Option<String>, String) {
        let failure = Request::read(name, data)
            .err()
            .unwrap_or_else(|| panic!("{name} took {data}"));
        (failure.field, failure.message)
    }

    #[test]
    fn an_error_names_the_field() {
        assert_eq!(refused("task.create", "{}").0.as_deref(), Some("title"));
        assert_eq!(
            refused("task.create", r#"{"title":"a","colour":1}"#).0.as_deref(),
            Some("colour")
        );
        assert_eq!(
            refused("task.create", r#"{"title":7}"#).0.as_deref(),
            Some("title")
        );
        assert_eq!(
            refused("task.create", r#"{"title":"a","tags":["a",2]}"#)
                .0
                .as_deref(),
            Some("tags[1]")
        );
        assert_eq!(refused("task.create", "[]").0.as_deref(), Some("data"));
        assert_eq!(
            refused("workspace.create", r#" ["Name"]"#).0.as_deref(),
            Some("data")
        );
        assert_eq!(
            refused("batch", r#"{"ops":[{"data":{}}]}"#).0.as_deref(),
            Some("ops[0].type")
        );
        assert_eq!(refused("task.paint", "{}").0.as_deref(), Some("type"));
    }

    #[test]
    fn a_nul_is_refused_at_any_depth() {
        assert_eq!(
            refused("task.create", r#"{"title":"a","tags":["b","\u0000"]}"#)
                .0
                .as_deref(),
            Some("tags[1]")
        );
        assert!(Request::read("task.create", r#"{"title":"\\u0000"}"#).is_ok());
    }

    #[test]
    fn a_nul_in_one_operation_does_not_refuse_the_batch() {
        let batch = r#"{"ops":[{"type":"task.create","data":{"title":"\u0000"}}]}"#;
        let Ok(Request::Batch(batch)) = Request::read("batch", batch) else {
            panic!("refused")
        };
        let (name, data) = (
            &batch.ops[0].r#type,
            batch.ops[0].data.text().expect("parameters"),
        );
        assert_eq!(refused(name, &data).0.as_deref(), Some("title"));
    }

    #[test]
    fn null_equals_omitting_an_optional_parameter() {
        let resume = r#"{"token":"t","resume":{"epoch":"e"}}"#;
        let resume_null = r#"{"token":"t","resume":{"epoch":"e","positions":null}}"#;
        let history = r#"{"stream":"user:01890000-0000-7000-8000-000000000001"}"#;
        let history_null = history.replace('}', r#","after":null,"limit":null,"task_id":null}"#);
        for (name, omitted, null) in [
            (
                "auth",
                r#"{"token":"t"}"#,
                r#"{"token":"t","client":null,"streams":null,"resume":null}"#,
            ),
            ("auth", resume, resume_null),
            ("stream.history", history, &history_null),
            (
                "batch",
                r#"{"ops":[{"type":"ping"}]}"#,
                r#"{"ops":[{"type":"ping","op_id":null,"data":null}],"atomic":null}"#,
            ),
        ] {
            let read = |data| Request::read(name, data).unwrap_or_else(|failure| panic!("{data}: {failure}"));
            assert_eq!(read(null), read(omitted));
        }
    }

    #[test]
    fn null_is_the_same_as_omitting_every_optional_parameter() {
        use crate::operations::CATALOG;
        let examples = crate::examples::Examples::new();
        for entry in CATALOG {
            let data = examples.of(entry.name).expect("an example").printed();
            let data: serde_json::Value = serde_json::from_str(&data).expect("JSON");
            let mut generator = schemars::SchemaGenerator::default();
            let schema = serde_json::to_value((entry.params)(&mut generator)).expect("JSON");
            let schema = match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
                Some(name) => serde_json::to_value(&generator.definitions()[name]).expect("JSON"),
                None => schema,
            };
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let names = schema["properties"]
                .as_object()
                .into_iter()
                .flat_map(serde_json::Map::keys);
            let optional = names.filter(|name| !required.iter().any(|one| one == *name));
            // what an update can change and not clear takes no null, and says so
            let takes_null = |name: &&String| {
                let field = &schema["properties"][*name];
                let referred = field["$ref"].as_str().and_then(|path| path.rsplit('/').next());
                let referred = referred.map(|name| generator.definitions()[name].to_string());
                let described = format!("{field}{}", referred.unwrap_or_default()).contains("\"null\"");
                described || !entry.name.ends_with(".update")
            };
            for name in optional.filter(takes_null) {
                let mut asked = data.clone();
                asked[name] = serde_json::Value::Null;
                let read = Request::read(entry.name, &asked.to_string());
                assert!(read.is_ok(), "{} {asked}: {:?}", entry.name, read.err());
            }
        }
    }

    #[test]
    fn null_clears_a_field_and_omitting_it_keeps_it() {
        let id = "01890000-0000-7000-8000-000000000001";
        let data = format!(r#"{{"id":"{id}","due_at":null}}"#);
        let Ok(Request::UpdateTask(update)) = Request::read("task.update", &data) else {
            panic!("refused")
        };
        assert_eq!(
            (update.due_at, update.description),
            (crate::Patch::Clear, crate::Patch::Keep)
        );
    }
}
