//! Reads a request's parameters. An error names the path of the field at fault.

use super::Operation;
use crate::failure::abridged;
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
        .and_then(|value: Value| with_nul(&value));
    field.map_or(Ok(()), |field| {
        let message = format!("{} must not contain U+0000", abridged(&field));
        Err(Failure::invalid(field, message))
    })
}

/// A step from a value to one within it.
enum Step<'v> {
    Field(&'v str),
    Item(usize),
}

/// The path of the first string that contains U+0000; `data` if that is a name of the parameters themselves.
fn with_nul(value: &Value) -> Option<String> {
    let mut steps = Vec::new();
    if !leads_to_nul(value, &mut steps) {
        return None;
    }
    let mut path = String::new();
    for step in steps.iter().rev() {
        match step {
            Step::Item(i) => path.extend(["[", &i.to_string(), "]"]),
            Step::Field(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
        }
    }
    if path.is_empty() {
        "data".clone_into(&mut path);
    }
    Some(path)
}

/// Whether there is a string with U+0000, and the steps to the first one, the last step first. Only those steps are written
/// down: a path for each value would cost the length of all names above it, a million times in a megabyte.
fn leads_to_nul<'v>(value: &'v Value, steps: &mut Vec<Step<'v>>) -> bool {
    let mut found = |value: &'v Value, step: Step<'v>| {
        let found = leads_to_nul(value, steps);
        if found {
            steps.push(step);
        }
        found
    };
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .any(|(i, item)| found(item, Step::Item(i))),
        Value::Object(fields) => fields
            .iter()
            .any(|(name, value)| name.contains('\0') || found(value, Step::Field(name))),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::Request;
    use std::fmt::Write as _;

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
    fn a_nul_behind_long_names_and_many_items_is_found_as_fast_as_the_text_is_read() {
        let name = "k".repeat(500_000);
        let body = format!(r#"{{"{name}":[{}1],"z":"\u0000"}}"#, "1,".repeat(250_000));
        let deep = format!(r#"{}"\u0000"{}"#, r#"{"a":["#.repeat(60), "]}".repeat(60));
        let mut many = String::from("{");
        for n in 0..60_000 {
            write!(many, r#""{n}":0,"#).expect("a string takes everything");
        }
        many.push_str(r#""z":["\u0000"]}"#);
        let begun = std::time::Instant::now();
        for (text, expected) in [(&body, "z"), (&many, "z[0]")] {
            let refused = super::body::<serde_json::Value>(text).err();
            assert_eq!(
                refused.and_then(|failure| failure.field).as_deref(),
                Some(expected)
            );
        }
        let refused = super::body::<serde_json::Value>(&deep).err();
        let field = refused.and_then(|failure| failure.field).unwrap_or_default();
        assert!(field.starts_with("a[0].a[0]."), "{field}");
        // a path for each item took more than ten seconds
        assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
    }

    #[test]
    fn an_error_repeats_only_the_beginning_of_a_long_name_or_value() {
        let long = "x".repeat(400_000);
        for (name, data) in [
            ("task.create", format!(r#"{{"title":"a","{long}":1}}"#)),
            ("task.create", format!(r#"{{"title":"a","priority":"{long}"}}"#)),
            ("task.create", format!(r#"{{"title":"a","tags":"{long}"}}"#)),
            ("task.create", format!(r#"{{"title":"a","{long}":["\u0000"]}}"#)),
            (
                "auth",
                format!(r#"{{"token":"t","resume":{{"epoch":"e","positions":{{"{long}":true}}}}}}"#),
            ),
        ] {
            let (field, message) = refused(name, &data);
            let field = field.expect("a field");
            assert!(field.chars().count() <= 201, "{name}: {field}");
            assert!(message.chars().count() <= 1001, "{name}: {message}");
        }
        // what is expected stands at the end
        let (_, message) = refused("task.create", &format!(r#"{{"title":"a","priority":"{long}"}}"#));
        assert!(
            message.contains("…") && message.contains("expected one of"),
            "{message}"
        );
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
