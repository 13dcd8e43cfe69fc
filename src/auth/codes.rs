//! The codes and links of mails, by which a person proves that they read the mail of an address. Both are made of an id
//! with a keyed hash (HMAC-SHA256), under a key that is derived from the server's secret. So nothing that would be worth
//! stealing is stored: neither the database nor the queue of mails has a code, and a mail that is sent twice has the same
//! one. Does not know whether a code is still good, or what it is for.

use super::derive;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use std::fmt;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// What the key is derived for.
const PURPOSE: &str = "codes of mails";
/// What a token is made for, beside the id.
const LINK: &[u8] = b"link";
const INVITATION: &[u8] = b"invitation";
const DIGITS: usize = 6;
const CODES: u64 = 1_000_000;
const ID_BYTES: usize = 16;
const PROOF_BYTES: usize = 32;
/// The length of a link's token in base64url. Its bytes are a multiple of three, so it has only one encoding.
const TOKEN_TEXT: usize = (ID_BYTES + PROOF_BYTES) / 3 * 4;

/// Makes and checks codes and links.
pub struct Codes {
    /// The current key, then the one before it. Empty without a secret: then nothing is made or accepted.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Codes")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl Codes {
    /// Makes codes under `secret`; those made under `previous`, the secret before the last rotation, are accepted too.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> Codes {
        Codes {
            keys: derive::hmac_keys(secret, previous, PURPOSE),
        }
    }

    /// The six digits of an id.
    pub fn code(&self, id: Uuid) -> SecretString {
        SecretString::from(self.keys.first().map(|key| code(key, id)).unwrap_or_default())
    }

    /// The link's token of an id: it names the id, and proves it with 256 bits.
    pub fn token(&self, id: Uuid) -> SecretString {
        self.token_of(LINK, id)
    }

    /// The token of an invitation.
    pub fn invitation(&self, id: Uuid) -> SecretString {
        self.token_of(INVITATION, id)
    }

    fn token_of(&self, kind: &'static [u8], id: Uuid) -> SecretString {
        let Some(key) = self.keys.first() else {
            return SecretString::default();
        };
        let mut bytes = Zeroizing::new([0; ID_BYTES + PROOF_BYTES]);
        bytes[..ID_BYTES].copy_from_slice(id.as_bytes());
        bytes[ID_BYTES..].copy_from_slice(keyed(key, kind, id).as_ref());
        SecretString::from(URL_SAFE_NO_PAD.encode(*bytes))
    }

    /// Whether a person's text is the code of an id. Spaces in it do not count.
    pub fn is_code(&self, id: Uuid, given: &str) -> bool {
        let digits: Zeroizing<String> = Zeroizing::new(
            given
                .chars()
                .filter(|c| !c.is_whitespace())
                .take(DIGITS + 1)
                .collect(),
        );
        // every key is tried, so that the time does not tell which one fits
        self.keys.iter().fold(false, |fits, key| {
            let right = Zeroizing::new(code(key, id));
            fits | bool::from(right.as_bytes().ct_eq(digits.as_bytes()))
        })
    }

    /// The id of a link's token, if we made the token.
    pub fn id_of(&self, token: &str) -> Option<Uuid> {
        self.id_in(LINK, token)
    }

    /// The invitation of a token, if we made the token.
    pub fn invited(&self, token: &str) -> Option<Uuid> {
        self.id_in(INVITATION, token)
    }

    fn id_in(&self, kind: &'static [u8], token: &str) -> Option<Uuid> {
        let token = token.trim();
        if token.len() != TOKEN_TEXT {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(token).ok()?);
        let (id, given) = bytes.split_first_chunk::<ID_BYTES>()?;
        let id = Uuid::from_bytes(*id);
        let fits = self.keys.iter().fold(false, |fits, key| {
            fits | bool::from(keyed(key, kind, id).as_ref().ct_eq(given))
        });
        fits.then_some(id)
    }
}

fn code(key: &hmac::Key, id: Uuid) -> String {
    let hash = keyed(key, b"code", id);
    let number = hash
        .as_ref()
        .first_chunk::<8>()
        .map_or(0, |first| u64::from_be_bytes(*first));
    // 2^64 is so much more than a million that no code is noticeably likelier
    format!("{:0width$}", number % CODES, width = DIGITS)
}

/// Of a word, none of which begins another one, and an id, whose length is fixed.
fn keyed(key: &hmac::Key, kind: &'static [u8], id: Uuid) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(kind);
    context.update(id.as_bytes());
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    const ID: Uuid = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);

    fn codes(secret: &str, previous: Option<&str>) -> Codes {
        Codes::new(&secret.into(), previous.map(Into::into).as_ref())
    }

    #[test]
    fn a_code_and_a_link_fit_their_id_only() {
        let codes = codes("a secret of some length", None);
        let (code, token) = (codes.code(ID), codes.token(ID));
        let (code, token) = (code.expose_secret(), token.expose_secret());
        assert!(code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit()));
        let spaced = format!(" {} {} ", &code[..3], &code[3..]);
        assert!(codes.is_code(ID, code) && codes.is_code(ID, &spaced));
        assert_eq!(codes.id_of(token), Some(ID));
        let invitation = codes.invitation(ID);
        let invitation = invitation.expose_secret();
        assert_eq!(
            (codes.invited(invitation), codes.invited(token)),
            (Some(ID), None)
        );
        assert_eq!(
            codes.id_of(invitation),
            None,
            "a token works for what it was made for"
        );
        let other = Uuid::from_u128(2);
        assert!(!codes.is_code(other, code));
        for wrong in ["", "1", "12345678901234567890", "é"] {
            assert!(!codes.is_code(ID, wrong), "{wrong}");
            assert_eq!(codes.id_of(wrong), None, "{wrong}");
        }
        let mut forged = URL_SAFE_NO_PAD.decode(token).expect("base64");
        forged[..ID_BYTES].copy_from_slice(other.as_bytes());
        assert_eq!(codes.id_of(&URL_SAFE_NO_PAD.encode(forged)), None);
    }

    #[test]
    fn what_the_previous_secret_made_is_accepted_and_no_longer_made() {
        let (old, new) = (
            codes("the old secret", None),
            codes("the new secret", Some("the old secret")),
        );
        assert!(new.is_code(ID, old.code(ID).expose_secret()));
        assert_eq!(new.id_of(old.token(ID).expose_secret()), Some(ID));
        assert_ne!(new.code(ID).expose_secret(), old.code(ID).expose_secret());
        assert!(!old.is_code(ID, new.code(ID).expose_secret()), "another secret");
        assert_eq!(old.id_of(new.token(ID).expose_secret()), None);
    }

    #[test]
    fn without_a_secret_nothing_is_accepted() {
        let codes = codes("", None);
        assert!(!codes.is_code(ID, codes.code(ID).expose_secret()));
        assert_eq!(codes.id_of(codes.token(ID).expose_secret()), None);
    }
}
