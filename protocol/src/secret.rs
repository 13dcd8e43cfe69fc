//! Texts that must not be printed: passwords, tokens, codes. They are plain strings on the wire and in the schema.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// A password, token or code. It cannot be formatted: there is no `Display`, and `Debug` prints a mask. So a struct that
/// holds one can be logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself. The caller must neither print nor store it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text itself, without a copy.
    #[must_use]
    pub fn into_exposed(self) -> String {
        self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Secret {
        Secret(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;
    use crate::account::LogIn;

    #[test]
    fn a_secret_is_not_printed_and_is_a_string_on_the_wire() {
        let login = LogIn {
            email: "ada@example.com".to_owned(),
            password: Secret::from("a long walk"),
            device_name: None,
        };
        assert!(!format!("{login:?} {login:#?}").contains("walk"));
        let wire = serde_json::to_string(&login).expect("JSON");
        assert!(wire.contains("\"password\":\"a long walk\""), "{wire}");
        assert_eq!(serde_json::from_str::<LogIn>(&wire).expect("read"), login);
    }
}
