//! E-mail addresses. They are plain strings on the wire and in the schema; formatted for a log, one is masked.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, ops::Deref, sync::Arc};

/// An e-mail address. There is no `Display`, and `Debug` prints `a***@example.com`: so a struct that holds one can be
/// logged. As a `str`, it is the address itself.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Email(Arc<str>);

impl Email {
    /// An address as logs may show it: its first character, and its domain.
    #[must_use]
    pub fn mask(address: &str) -> String {
        let (local, domain) = address.split_once('@').unwrap_or((address, ""));
        let first: String = local.chars().take(1).collect();
        format!("{first}***@{domain}")
    }
}

impl Deref for Email {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Email::mask(&self.0))
    }
}

impl From<&str> for Email {
    fn from(text: &str) -> Email {
        Email(text.into())
    }
}

impl From<String> for Email {
    fn from(text: String) -> Email {
        Email(text.into())
    }
}

impl From<Arc<str>> for Email {
    fn from(text: Arc<str>) -> Email {
        Email(text)
    }
}

impl From<Email> for Arc<str> {
    fn from(email: Email) -> Arc<str> {
        email.0
    }
}

impl JsonSchema for Email {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Email".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn an_address_is_formatted_with_a_mask_and_is_a_string_on_the_wire() {
        for (address, masked) in [
            ("ada@example.com", "a***@example.com"),
            ("é@b.cd", "é***@b.cd"),
            ("no address", "n***@"),
        ] {
            let email = Email::from(address);
            assert_eq!(format!("{email:?}"), masked);
            assert_eq!(format!("{:?}", Some(&email)), format!("Some({masked})"));
            assert_eq!(&*email, address);
            let wire = serde_json::to_string(&email).expect("JSON");
            assert_eq!(wire, format!("\"{address}\""));
            assert_eq!(serde_json::from_str::<Email>(&wire).expect("read"), email);
        }
    }
}
