//! The token of the link that ends reminders by mail (RFC 8058). It names an account and proves with a keyed hash
//! (HMAC-SHA256) that this server made it, so nothing is stored and nobody can end another person's mails. It never expires:
//! a link in an old mail must work too. Does not know what the link changes.

use super::derive;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use std::fmt;
use uuid::Uuid;

/// What the key is derived for.
const PURPOSE: &str = "ending mails";
const ID_BYTES: usize = 16;
const PROOF_BYTES: usize = 32;
/// The length of a token in base64url. Its bytes are a multiple of three, so it has only one encoding.
const TEXT: usize = (ID_BYTES + PROOF_BYTES) / 3 * 4;

/// Makes and checks the tokens.
pub struct Unsubscribe {
    /// The current key, then the one before it. Empty without a secret: then nothing is made or accepted.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Unsubscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsubscribe")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Unsubscribe {
    /// Makes tokens under `secret`; those made under `previous`, the secret before the last rotation, are accepted too.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> Unsubscribe {
        Unsubscribe {
            keys: derive::hmac_keys(secret, previous, PURPOSE),
        }
    }

    /// The token of an account; `None` without a secret.
    pub fn token(&self, user: Uuid) -> Option<String> {
        let proof = hmac::sign(self.keys.first()?, user.as_bytes());
        Some(URL_SAFE_NO_PAD.encode([user.as_bytes(), proof.as_ref()].concat()))
    }

    /// The account of a token, if we made the token.
    pub fn user(&self, token: &str) -> Option<Uuid> {
        if token.len() != TEXT {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (id, proof) = bytes.split_first_chunk::<ID_BYTES>()?;
        let fits = |key: &hmac::Key| hmac::verify(key, id, proof).is_ok();
        self.keys.iter().any(fits).then(|| Uuid::from_bytes(*id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(secret: &str, previous: Option<&str>) -> Unsubscribe {
        Unsubscribe::new(&secret.into(), previous.map(Into::into).as_ref())
    }

    #[test]
    fn a_token_names_its_account_also_after_a_rotation() {
        let (user, ours) = (Uuid::from_u128(7), of("a secret", None));
        let token = ours.token(user).expect("a token");
        assert_eq!((ours.user(&token), token.len()), (Some(user), TEXT));
        assert_eq!(of("a newer one", Some("a secret")).user(&token), Some(user));
        assert!(
            token
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
    }

    #[test]
    fn no_other_text_is_a_token() {
        let ours = of("a secret", None);
        let token = ours.token(Uuid::from_u128(7)).expect("a token");
        let other = of("another", None).token(Uuid::from_u128(7)).expect("a token");
        // another account with this proof
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).expect("bytes");
        bytes[15] ^= 1;
        let moved = URL_SAFE_NO_PAD.encode(bytes);
        for text in [
            "",
            &token[1..],
            &format!("{token}A"),
            &other,
            &moved,
            &"é".repeat(32),
        ] {
            assert_eq!(ours.user(text), None, "{text}");
        }
        let without = of("", None);
        assert!(without.token(Uuid::nil()).is_none() && without.user(&token).is_none());
    }
}
