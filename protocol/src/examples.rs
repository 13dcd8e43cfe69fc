//! A valid request for each operation, made from the table: for the reference, and for tests that try every operation.
//! A new row of the table gets an example without further work.
//!
//! ```
//! use serde_json::json;
//! use taskwire_protocol::examples::Examples;
//!
//! let examples = Examples::new();
//! let example = examples.of("task.complete").expect("an operation");
//! assert_eq!(example.places(), ["task"]);
//! let task = "0198f2c4-9a00-7000-8000-000000000001";
//! let data = example.fill(|_| Some(json!(task))).expect("filled");
//! assert_eq!(data, json!({ "id": task, "completed": true }));
//! ```
//!
//! # Where the values come from
//!
//! An example has every required parameter, and each optional one that carries `#[schemars(example = …)]` in its type.
//! A required parameter takes its first `example`. Without one the type decides: the first value of an enum, `true`,
//! the least whole number, a moment, or the place of an id. An optional parameter whose first `example` is `null` is
//! omitted; only [`Examples::varied`] uses its other examples.
//!
//! # Places
//!
//! A value that must exist on the server appears in an example as a place: the string `{task}`, which [`Example::fill`]
//! replaces. A place that appears several times in an example has one value.
//!
//! | place | its value |
//! |---|---|
//! | `workspace` | the id of a workspace in which the caller has at least the role that the operation asks for |
//! | `stream` | the stream of that workspace |
//! | `task` | the id of a task there that has not changed since it was made |
//! | `other_task` | the id of another task there |
//! | `deleted_task` | the id of a deleted task there |
//! | `user` | the id of another member of that workspace, of a lower role than the caller |
//! | `newcomer` | the username of an account that is not a member of it |
//! | `attachment` | the id of an attachment in that workspace, which the caller may delete; uploads make them |
//! | `notification` | the id of one of the caller's notifications |
//! | `new_id` | a fresh UUIDv7 |
//! | `session` | the id of a session |
//! | `api_token` | the id of one of the caller's API tokens |
//! | `access_token` | an access token of the caller |
//! | `email`, `password` | those of an account |
//! | `new_email` | an address without an account |
//! | any other, like `comment` | the id of such an entity there; the operation `comment.create` makes one |

mod write;

use crate::{generate::document, operations::CATALOG};
use serde_json::{Map, Value};
use write::Writer;

pub(crate) const MOMENT: &str = "2026-11-21T08:15:30.250Z";
pub(crate) const PASSWORD: &str = "a goose eats plums at noon";
/// Titles of tasks.
pub(crate) const TITLES: [&str; 3] = ["Buy milk", "Water the plants", "Call Grace"];

/// The examples of all operations.
pub struct Examples {
    document: Value,
}

/// The parameters of a valid request, with places for what has to exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// JSON, the fields in the order of the reference. A place is a whole string: `"{task}"`, or `"{task?}"` in an
    /// optional parameter.
    text: String,
}

impl Default for Examples {
    fn default() -> Examples {
        Examples::new()
    }
}

impl Examples {
    /// Takes about a millisecond; keep it.
    #[must_use]
    pub fn new() -> Examples {
        Examples { document: document() }
    }

    /// The example of the operation with this wire name.
    #[must_use]
    pub fn of(&self, operation: &str) -> Option<Example> {
        self.write(operation, Writer::new(&self.document))
    }

    /// One of many requests of this operation, for randomized tests. `choose(n)` picks a number below `n`. It decides
    /// which optional parameters are present, and which of its possible values each parameter has. Each parameter is
    /// valid by itself, but two of them may exclude each other.
    pub fn varied(&self, operation: &str, choose: &mut dyn FnMut(usize) -> usize) -> Option<Example> {
        self.write(operation, Writer::varying(&self.document, choose))
    }

    fn write(&self, operation: &str, mut writer: Writer<'_>) -> Option<Example> {
        let entry = CATALOG.iter().find(|entry| entry.name == operation)?;
        let params = &self.document["operations"][entry.name]["params"];
        let text = writer.params(params);
        Some(Example { text })
    }
}

impl Example {
    /// What has to exist: the names of the places, each once, in the order of their first appearance.
    #[must_use]
    pub fn places(&self) -> Vec<&str> {
        let mut places = Vec::new();
        for start in self.text.split("\"{").skip(1) {
            if let Some((name, _)) = start.split_once("}\"") {
                let name = name.strip_suffix('?').unwrap_or(name);
                if is_name(name) && !places.contains(&name) {
                    places.push(name);
                }
            }
        }
        places
    }

    /// The parameters, with `value(place)` in each place. When that is `None`, an optional parameter is omitted; for a
    /// required parameter the result is `None`.
    pub fn fill(&self, mut value: impl FnMut(&str) -> Option<Value>) -> Option<Value> {
        let data = serde_json::from_str(&self.text).ok()?;
        match filled(data, &mut value) {
            Filled::Value(data) => Some(data),
            Filled::Omitted | Filled::Missing => None,
        }
    }

    /// The parameters as the reference prints them, with ids and names that look real.
    #[must_use]
    pub fn printed(&self) -> String {
        let mut text = self.text.clone();
        for place in self.places() {
            let sample = Value::from(sample(place)).to_string();
            for mark in ["", "?"] {
                text = text.replace(&format!("\"{{{place}{mark}}}\""), &sample);
            }
        }
        text
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

enum Filled {
    Value(Value),
    /// An optional parameter without a value.
    Omitted,
    /// A required parameter without a value.
    Missing,
}

fn filled(value: Value, with: &mut impl FnMut(&str) -> Option<Value>) -> Filled {
    match value {
        Value::String(text) => {
            let place = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(place) = place else {
                return Filled::Value(Value::String(text));
            };
            let (name, empty) = match place.strip_suffix('?') {
                Some(name) => (name, Filled::Omitted),
                None => (place, Filled::Missing),
            };
            with(name).map_or(empty, Filled::Value)
        }
        Value::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                match filled(item, with) {
                    Filled::Value(item) => all.push(item),
                    empty => return empty,
                }
            }
            Filled::Value(Value::Array(all))
        }
        Value::Object(fields) => {
            let mut all = Map::new();
            for (name, field) in fields {
                match filled(field, with) {
                    Filled::Value(field) => _ = all.insert(name, field),
                    Filled::Omitted => {}
                    Filled::Missing => return Filled::Missing,
                }
            }
            Filled::Value(Value::Object(all))
        }
        other => Filled::Value(other),
    }
}

/// What the reference prints in a place.
fn sample(place: &str) -> String {
    match place {
        "task" | "deleted_task" => id(1),
        "workspace" => id(2),
        "stream" => format!("workspace:{}", id(2)),
        "user" => id(3),
        "notification" => id(4),
        "session" | "api_token" => id(5),
        "other_task" => id(6),
        "invite" => id(7),
        "newcomer" => "grace".to_owned(),
        "access_token" => "eyJhbGciOiJIUzI1NiJ9…".to_owned(),
        "email" | "new_email" => "ada@example.org".to_owned(),
        "password" => PASSWORD.to_owned(),
        _ => id(8),
    }
}

/// An id that looks real, a different one for each kind of entity.
pub(crate) fn id(which: u8) -> String {
    format!("01931f2a-5c00-7000-8000-00000000000{which}")
}

#[cfg(test)]
mod tests;
