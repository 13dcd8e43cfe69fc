//! Refresh tokens: a client exchanges one for the session's next pair of tokens. They are opaque, and only their hash is
//! stored. Each carries a tag that only this server can make: so an old token of ours is told from one that somebody made
//! up, although the database knows neither. Does not know which token of a session is the newest.

use std::fmt;

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::CryptoRng;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use taskwire_protocol::{ErrorCode, Failure, SessionId};
use uuid::Uuid;

use super::derive;

/// The prefix of a refresh token, by which people and scanners recognise a leaked one.
const PREFIX: &str = "rt_";
const SESSION_BYTES: usize = 16;
/// The length of a token's secret.
pub const SECRET_BYTES: usize = 32;
/// HMAC-SHA-256, cut to 192 bits (RFC 2104, section 5).
const TAG_BYTES: usize = 24;
/// The bytes of a token without a tag, as older versions made them.
const UNTAGGED: usize = SESSION_BYTES + SECRET_BYTES;
/// Both lengths are multiples of three bytes: base64url has no padding, and only one encoding.
const TAGGED: usize = UNTAGGED + TAG_BYTES;

/// Its text is `rt_`, then the session's id, 256 random bits and the tag, in base64url.
pub struct RefreshToken {
    session: SessionId,
    secret: SecretBox<[u8; SECRET_BYTES]>,
    /// `None` for a token of an older version.
    tag: Option<[u8; TAG_BYTES]>,
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Makes refresh tokens, and tells ours from others.
pub struct RefreshTokens {
    /// The current key, then the one before it.
    keys: Vec<hmac::Key>,
}

impl fmt::Debug for RefreshTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshTokens")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl RefreshTokens {
    /// Tags by a key that is derived from `secret`. Tags of `previous`, the secret before the last rotation, are accepted.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>) -> RefreshTokens {
        RefreshTokens {
            keys: derive::hmac_keys(secret, previous, "tags of refresh tokens"),
        }
    }

    /// A fresh token of the session.
    pub fn issue(&self, session: SessionId, rng: &mut (impl CryptoRng + ?Sized)) -> RefreshToken {
        let secret = SecretBox::init_with_mut(|bytes: &mut [u8; SECRET_BYTES]| rng.fill_bytes(bytes));
        self.tagged(session, secret)
    }

    /// The token of the session with this secret.
    pub fn tagged(&self, session: SessionId, secret: SecretBox<[u8; SECRET_BYTES]>) -> RefreshToken {
        let mut token = RefreshToken {
            session,
            secret,
            tag: None,
        };
        token.tag = self.keys.first().and_then(|key| token.tag_by(key));
        token
    }

    /// Whether this server made the token. It may be of any age. A token without a tag may be ours, too.
    pub fn made(&self, token: &RefreshToken) -> bool {
        let is_by = |key| Some(token.tag?.ct_eq(&token.tag_by(key)?).into());
        self.keys.iter().any(|key| is_by(key).unwrap_or(false))
    }
}

impl RefreshToken {
    /// Parses what a client sent. A token that can be parsed was not necessarily issued by us.
    ///
    /// Fails with `INVALID_TOKEN`.
    pub fn parse(text: &str) -> Result<RefreshToken, Failure> {
        let invalid = || Failure::new(ErrorCode::InvalidToken, "the token is not valid");
        RefreshToken::read(text).ok_or_else(invalid)
    }

    fn read(text: &str) -> Option<RefreshToken> {
        let text = text.strip_prefix(PREFIX)?;
        if text.len() != UNTAGGED / 3 * 4 && text.len() != TAGGED / 3 * 4 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (session, rest) = bytes.split_first_chunk::<SESSION_BYTES>()?;
        let (given, tag) = rest.split_first_chunk::<SECRET_BYTES>()?;
        let mut secret = SecretBox::<[u8; SECRET_BYTES]>::default();
        secret.expose_secret_mut().copy_from_slice(given);
        Some(RefreshToken {
            session: SessionId(Uuid::from_bytes(*session)),
            secret,
            tag: tag.try_into().ok(),
        })
    }

    /// The session that the token claims to belong to.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The random part, from which its holder can derive keys.
    pub(super) fn secret(&self) -> &[u8; SECRET_BYTES] {
        self.secret.expose_secret()
    }

    /// The token itself, for the client and nobody else.
    pub fn reveal(&self) -> String {
        let mut bytes = Zeroizing::new(Vec::with_capacity(TAGGED));
        bytes.extend_from_slice(self.session.0.as_bytes());
        bytes.extend_from_slice(self.secret.expose_secret());
        bytes.extend(self.tag.iter().flatten());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&*bytes))
    }

    /// The stored form: SHA-256 over session and secret. A slow hash would add nothing, because 256 random bits cannot
    /// be guessed.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.session.0.as_bytes());
        hasher.update(self.secret.expose_secret());
        hasher.finalize().into()
    }

    fn tag_by(&self, key: &hmac::Key) -> Option<[u8; TAG_BYTES]> {
        let mut context = hmac::Context::with_key(key);
        context.update(self.session.0.as_bytes());
        context.update(self.secret.expose_secret());
        context.sign().as_ref().first_chunk().copied()
    }
}

#[cfg(test)]
mod tests;
