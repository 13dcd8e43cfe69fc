//! Who caused an event.

use crate::UserId;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::sync::Arc;

/// Who caused an event: a user, the server itself, or an operator on the command line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A user.
    User {
        /// The account.
        id: UserId,
        /// The display name at that time.
        name: Arc<str>,
        /// The name of the API token, when the user acted through one.
        #[serde(skip_serializing_if = "Option::is_none")]
        token: Option<Arc<str>>,
    },
    /// The server: reminders, recurrence, retention.
    Server,
    /// An operator who ran `taskwire admin` on the command line.
    Operator,
}

impl Actor {
    /// A user who acts with a session of their own, not through an API token.
    #[must_use]
    pub fn user(id: UserId, name: Arc<str>) -> Actor {
        let token = None;
        Actor::User { id, name, token }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    User,
    Server,
    Operator,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    kind: Kind,
    id: Option<UserId>,
    name: Option<Arc<str>>,
    token: Option<Arc<str>>,
}

/// Also reads log entries that are older than the field `kind`. In them an actor is a user, and `null` is the server.
impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Actor, D::Error> {
        let Some(fields) = Option::<Fields>::deserialize(deserializer)? else {
            return Ok(Actor::Server);
        };
        match fields.kind {
            Kind::User => Ok(Actor::User {
                id: fields.id.ok_or_else(|| D::Error::missing_field("id"))?,
                name: fields.name.ok_or_else(|| D::Error::missing_field("name"))?,
                token: fields.token,
            }),
            Kind::Server => Ok(Actor::Server),
            Kind::Operator => Ok(Actor::Operator),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01931f2a-5c00-7000-8000-000000000003";

    fn ada(token: Option<&str>) -> Actor {
        Actor::User {
            id: ID.parse().expect("an id"),
            name: "Ada".into(),
            token: token.map(Into::into),
        }
    }

    #[test]
    fn each_kind_is_written_as_the_contract_says_and_read_back() {
        let user = format!(r#"{{"kind":"user","id":"{ID}","name":"Ada"}}"#);
        let token = format!(r#"{{"kind":"user","id":"{ID}","name":"Ada","token":"ci"}}"#);
        for (actor, text) in [
            (ada(None), user.as_str()),
            (ada(Some("ci")), token.as_str()),
            (Actor::Server, r#"{"kind":"server"}"#),
            (Actor::Operator, r#"{"kind":"operator"}"#),
        ] {
            assert_eq!(serde_json::to_string(&actor).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Actor>(text).expect(text), actor);
        }
    }

    #[test]
    fn entries_from_before_kind_existed_are_read() {
        let user = format!(r#"{{"id":"{ID}","name":"Ada"}}"#);
        assert_eq!(serde_json::from_str::<Actor>(&user).expect("a user"), ada(None));
        assert_eq!(
            serde_json::from_str::<Actor>("null").expect("a server"),
            Actor::Server
        );
    }

    #[test]
    fn a_user_without_an_id_or_a_name_is_refused() {
        for text in [
            r#"{"kind":"user","name":"Ada"}"#,
            &format!(r#"{{"id":"{ID}"}}"#),
            r#"{"kind":"cat"}"#,
        ] {
            assert!(serde_json::from_str::<Actor>(text).is_err(), "{text}");
        }
    }
}
