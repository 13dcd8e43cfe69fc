//! A JSON object that is encoded once. A member that is known only later can be appended.

use super::super::{Result, bug, json};
use serde::{Deserialize, Serialize};
use std::fmt::{Display, Write};
use std::sync::Arc;
use taskwire_protocol::events::Forgotten;
use uuid::Uuid;

/// An encoded JSON object. Clones share the text.
#[derive(Clone, Debug)]
pub struct Object(Arc<str>);

impl Object {
    /// Encodes a value that is an object.
    pub(super) fn of(value: &impl Serialize) -> Result<Object> {
        let text = json(value)?;
        if text.starts_with('{') && text.ends_with('}') {
            Ok(Object(text.into()))
        } else {
            Err(bug("an event's payload must be a JSON object"))
        }
    }

    /// The encoded text.
    pub(super) fn text(self) -> Arc<str> {
        self.0
    }

    /// The length of the text, in bytes.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Appends the text to `out`.
    pub fn write(&self, out: &mut String) {
        out.push_str(&self.0);
    }

    /// Appends the text to `out`, with a number as one more member at its end.
    pub fn write_with(&self, out: &mut String, name: &str, number: impl Display) {
        let members = &self.0[..self.0.len() - 1];
        let comma = if members.len() > 1 { "," } else { "" };
        let _ = write!(out, "{members}{comma}\"{name}\":{number}}}");
    }

    /// What is left of a payload whose task was purged.
    pub(super) fn forgotten(&self) -> Result<Object> {
        #[derive(Deserialize)]
        struct Entity {
            id: Uuid,
        }
        let entity = serde_json::from_str::<Entity>(&self.0);
        let Entity { id } = entity.map_err(|_| bug("a payload that shows a task must have an id"))?;
        Object::of(&Forgotten { id, purged: true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_number_is_appended_as_the_last_member() {
        for (object, expected) in [
            (json!({}), json!({"unread": 3})),
            (json!({"a": "}"}), json!({"a": "}", "unread": 3})),
        ] {
            let mut out = String::new();
            Object::of(&object)
                .expect("an object")
                .write_with(&mut out, "unread", 3);
            assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), expected);
        }
    }

    #[test]
    fn a_value_that_is_not_an_object_is_refused() {
        for value in [json!([]), json!("{"), json!(1), json!(null)] {
            assert!(Object::of(&value).is_err(), "{value}");
        }
    }
}
