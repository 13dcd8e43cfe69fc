//! The token of the link that makes the first administrator. It is derived from the secret of the access tokens and the
//! database's epoch. So all instances make the same one, also after a restart, and nothing is stored. Does not know
//! whether there is an administrator already.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::derive;

/// By this prefix people and scanners recognise a leaked one.
const PREFIX: &str = "fa_";

/// The tokens that a database accepts.
#[derive(Debug)]
pub struct FirstAdmin {
    /// The one of the current secret, then the one of the secret before it.
    tokens: Vec<SecretString>,
}

impl FirstAdmin {
    /// The tokens of a database in this epoch. That of `previous`, the secret before the last rotation, is accepted.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>, epoch: &str) -> FirstAdmin {
        let token = |secret: &SecretString| {
            let secret = secret.expose_secret().as_bytes();
            let key = derive::key(secret, "first administrator", epoch.as_bytes())?;
            let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(key.as_slice()));
            Some(SecretString::from(token))
        };
        let secrets = std::iter::once(secret).chain(previous);
        FirstAdmin {
            tokens: secrets.filter_map(token).collect(),
        }
    }

    /// The token for a link; `None` without a secret.
    pub fn token(&self) -> Option<&SecretString> {
        self.tokens.first()
    }

    /// Whether this is a token of the database. The time that it takes does not tell how much of it is right.
    pub fn is_token(&self, given: &str) -> bool {
        let given = given.trim().as_bytes();
        let is = |token: &SecretString| bool::from(token.expose_secret().as_bytes().ct_eq(given));
        self.tokens.iter().fold(false, |found, token| is(token) | found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(secret: &str, previous: Option<&str>, epoch: &str) -> FirstAdmin {
        FirstAdmin::new(&secret.into(), previous.map(Into::into).as_ref(), epoch)
    }

    fn token(secret: &str, epoch: &str) -> String {
        let all = tokens(secret, None, epoch);
        all.token().expect("a token").expose_secret().to_owned()
    }

    #[test]
    fn all_who_have_the_secret_and_the_database_make_the_same_token() {
        let made = token("a secret", "epoch");
        assert_eq!(made, token("a secret", "epoch"));
        assert_eq!(made.len(), PREFIX.len() + 43);
        assert!(tokens("a secret", None, "epoch").is_token(&format!(" {made}\n")));
        assert!(tokens("a newer one", Some("a secret"), "epoch").is_token(&made));
    }

    #[test]
    fn no_other_text_is_a_token() {
        let ours = tokens("a secret", None, "epoch");
        let made = token("a secret", "epoch");
        let others = [token("another", "epoch"), token("a secret", "another")];
        let cut = &made[..made.len() - 1];
        for other in ["", "fa_", cut, &format!("{made}A"), &others[0], &others[1]] {
            assert!(!ours.is_token(other), "{other}");
        }
        let without = tokens("", None, "epoch");
        assert!(without.token().is_none() && !without.is_token(""));
    }
}
