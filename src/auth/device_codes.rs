//! The codes of a sign-in that another device completes (RFC 8628): a program keeps the long device code, and its person
//! types the short user code on a page. Nothing is stored when a program asks: a device code proves itself by a keyed hash,
//! and the user code is derived from it. So strangers who ask cost neither memory nor a write. Does not know who approved
//! what.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::CryptoRng;
use secrecy::SecretString;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::derive;

/// How long a program may wait for its person (RFC 8628, section 3.2).
pub const LIFE: Duration = Duration::from_mins(10);

/// By this prefix people and scanners recognise a leaked one.
const PREFIX: &str = "dc_";
const TIME_BYTES: usize = 8;
const RANDOM_BYTES: usize = 24;
const SEED_BYTES: usize = TIME_BYTES + RANDOM_BYTES;
const PROOF_BYTES: usize = 16;
/// A multiple of three bytes: base64url has no padding, and only one encoding.
const BYTES: usize = SEED_BYTES + PROOF_BYTES;
/// The letters of user codes. Without vowels they form no words (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// 20^8 codes are 34 bits. Nobody can check a guess: only a person who is signed in approves, and approves their own.
const USER_CODE: usize = 8;

/// Makes and reads device codes.
pub struct DeviceCodes {
    /// The current key, then the one before it.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for DeviceCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCodes")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

/// A fresh pair of codes.
pub struct Issued {
    /// What the program keeps. Its holder gets the session that is approved.
    pub device_code: SecretString,
    /// What its person types, like `BDWP-HQPK`.
    pub user_code: String,
}

/// What a device code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Under this id an approval of its user code is stored.
    pub approval: Uuid,
    /// From this moment on it is refused, in Unix milliseconds.
    pub expires_at_ms: i64,
}

impl DeviceCodes {
    /// Makes codes under a key that is derived from `secret`. Those of `previous`, the secret before the last rotation, are
    /// accepted.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> DeviceCodes {
        DeviceCodes {
            keys: derive::hmac_keys(secret, previous, "device codes"),
        }
    }

    /// Fresh codes; `None` without a secret.
    pub fn issue(&self, now_ms: i64, rng: &mut (impl CryptoRng + ?Sized)) -> Option<Issued> {
        let key = self.keys.first()?;
        let mut bytes = [0; BYTES];
        bytes[..TIME_BYTES].copy_from_slice(&now_ms.to_be_bytes());
        rng.fill_bytes(&mut bytes[TIME_BYTES..SEED_BYTES]);
        let proof = keyed::<PROOF_BYTES>(key, b"proof", &bytes[..SEED_BYTES]);
        bytes[SEED_BYTES..].copy_from_slice(&proof);
        let user_code = user_code(key, &bytes[..SEED_BYTES]);
        Some(Issued {
            device_code: SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))),
            user_code: format!("{}-{}", &user_code[..USER_CODE / 2], &user_code[USER_CODE / 2..]),
        })
    }

    /// Reads a device code of any age; `None` if it is not ours.
    pub fn read(&self, text: &str) -> Option<Waiting> {
        let text = text.trim().strip_prefix(PREFIX)?;
        if text.len() != BYTES / 3 * 4 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (seed, proof) = bytes.split_at_checked(SEED_BYTES)?;
        let made = |key: &&hmac::Key| keyed::<PROOF_BYTES>(key, b"proof", seed).ct_eq(proof).into();
        let key = self.keys.iter().find(made)?;
        let issued_ms = i64::from_be_bytes(*seed.first_chunk::<TIME_BYTES>()?);
        let life_ms = i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX);
        Some(Waiting {
            approval: self.approval(&user_code(key, seed))?,
            expires_at_ms: issued_ms.saturating_add(life_ms),
        })
    }

    /// Under which id the approval of a user code is stored. Case, spaces and hyphens do not count. `None`: that is no user
    /// code.
    pub fn approval(&self, typed: &str) -> Option<Uuid> {
        let mut code = String::with_capacity(USER_CODE);
        for letter in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let letter = letter.to_ascii_uppercase();
            if code.len() == USER_CODE || !LETTERS.iter().any(|known| char::from(*known) == letter) {
                return None;
            }
            code.push(letter);
        }
        let key = self.keys.first().filter(|_| code.len() == USER_CODE)?;
        Some(Uuid::from_bytes(keyed(key, b"approval", code.as_bytes())))
    }
}

fn user_code(key: &hmac::Key, seed: &[u8]) -> String {
    let mut rest = u64::from_be_bytes(keyed(key, b"user code", seed));
    let mut letter = || {
        let letter = LETTERS[(rest % LETTERS.len() as u64) as usize];
        rest /= LETTERS.len() as u64;
        char::from(letter)
    };
    (0..USER_CODE).map(|_| letter()).collect()
}

/// The first bytes of the keyed hash of a text, for a purpose.
fn keyed<const N: usize>(key: &hmac::Key, purpose: &[u8], text: &[u8]) -> [u8; N] {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose);
    context.update(&[0]);
    context.update(text);
    let tag = context.sign();
    std::array::from_fn(|i| tag.as_ref()[i])
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    fn codes(secret: &str, previous: Option<&str>) -> DeviceCodes {
        DeviceCodes::new(&secret.into(), previous.map(Into::into).as_ref())
    }

    #[test]
    fn the_user_code_leads_to_its_device_code_only() {
        let codes = codes("a secret of some length", None);
        let issue = || codes.issue(1_000, &mut rand::rng()).expect("codes");
        let (one, other) = (issue(), issue());
        let read = |issued: &Issued| codes.read(issued.device_code.expose_secret()).expect("ours");
        assert_eq!(codes.approval(&one.user_code), Some(read(&one).approval));
        assert_ne!(read(&one).approval, read(&other).approval);
        assert_eq!(read(&one).expires_at_ms, 601_000);
        let typed = format!(" {} ", one.user_code.to_lowercase().replace('-', " "));
        assert_eq!(codes.approval(&typed), Some(read(&one).approval));
        for wrong in ["", "BCDF-GHJ", "BCDF-GHJK-L", "AAAA-AAAA", "ß", "BCDFGHJÉ"] {
            assert_eq!(codes.approval(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_device_code_that_somebody_made_up_is_none() {
        let ours = codes("a secret of some length", None);
        let issued = ours.issue(1_000, &mut rand::rng()).expect("codes");
        let text = issued.device_code.expose_secret();
        assert!(codes("another secret", None).read(text).is_none());
        assert!(codes("", None).read(text).is_none());
        assert!(
            codes("a new secret", Some("a secret of some length"))
                .read(text)
                .is_some()
        );
        let last = text.len() - 1;
        let changed = if text.ends_with('A') { "B" } else { "A" };
        for forged in [
            &text[..last],
            "dc_",
            "",
            "é",
            &format!("{}{changed}", &text[..last]),
        ] {
            assert!(ours.read(forged).is_none(), "{forged}");
        }
    }

    #[test]
    fn without_a_secret_there_are_no_codes() {
        let codes = codes("", None);
        assert!(codes.issue(0, &mut rand::rng()).is_none() && codes.approval("BCDF-GHJK").is_none());
    }
}
