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
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Words {
        password: Secret,
    }

    #[test]
    fn a_secret_is_not_printed_and_is_a_string_on_the_wire() {
        let words = Words {
            password: Secret::from("a long walk"),
        };
        assert!(!format!("{words:?} {words:#?}").contains("walk"));
        let wire = serde_json::to_string(&words).expect("JSON");
        assert_eq!(wire, "{\"password\":\"a long walk\"}");
        assert_eq!(serde_json::from_str::<Words>(&wire).expect("read"), words);
    }
}
