//! What opens a node's numbers (`/metrics`, `/health/detailed`) on its public address: the token of the settings, and one
//! that follows from the secret of the access tokens, with which the program checks its own nodes. Does not read requests.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::derive;

/// By this prefix people and scanners recognise a leaked one.
const PREFIX: &str = "tw_op_";

/// The tokens that open a node's numbers.
#[derive(Debug, Default)]
pub struct Operators {
    tokens: Vec<SecretString>,
}

impl Operators {
    /// The token of the settings, and those that follow from the secret and from the one before it, as far as they are set.
    pub fn new(
        token: Option<&SecretString>,
        secret: Option<&SecretString>,
        previous: Option<&SecretString>,
    ) -> Operators {
        let derived = [secret, previous].into_iter().flatten().filter_map(derived);
        Operators {
            tokens: token.cloned().into_iter().chain(derived).collect(),
        }
    }

    /// Whether this is one of them. The time that it takes does not tell how much of it is right.
    pub fn is_token(&self, given: &str) -> bool {
        let given = given.as_bytes();
        let is = |token: &SecretString| bool::from(token.expose_secret().as_bytes().ct_eq(given));
        self.tokens.iter().fold(false, |found, token| is(token) | found)
    }
}

/// The token that follows from a secret: every instance of a deployment makes the same one.
pub fn derived(secret: &SecretString) -> Option<SecretString> {
    let key = derive::key(secret.expose_secret().as_bytes(), "numbers for operators", &[])?;
    Some(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(key.as_slice())).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_the_settings_and_those_of_both_secrets_open() {
        let secret = |text: &str| SecretString::from(text);
        let (now, before) = (secret("one"), secret("two"));
        let token = secret("chosen");
        let all = Operators::new(Some(&token), Some(&now), Some(&before));
        assert!(all.is_token("chosen"));
        for secret in [&now, &before] {
            assert!(all.is_token(derived(secret).expect("a token").expose_secret()));
        }
        for wrong in [
            "",
            "chose",
            "chosen2",
            "one",
            derived(&secret("three")).expect("a token").expose_secret(),
        ] {
            assert!(!all.is_token(wrong), "{wrong}");
        }
        assert!(!Operators::new(None, None, None).is_token(""));
    }
}
