//! Access tokens: signed (JWT, RFC 7519, in the profile of RFC 9068 and with the care of RFC 8725), short-lived, and
//! checked without a database. Does not know whether a session still exists or an account is active: callers compare the
//! claims with the database.

use std::fmt;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use taskwire_protocol::account::GlobalRole;
use taskwire_protocol::{ErrorCode, Failure, SessionId, Timestamp, UserId};
use tracing::error;
use uuid::Uuid;

use super::derive;

/// The issuer and the audience of every token (`iss`, `aud`).
const ISSUER: &str = "taskwire";
/// The header's `typ` (RFC 9068, section 2.1). So another kind of JWT, signed with the same key, is not an access
/// token.
const HEADER_TYPE: &str = "at+jwt";
/// The claim `typ`, for readers that see only the claims.
const CLAIM_TYPE: &str = "access";
/// A longer token is refused without decoding. Ours have about a tenth of this.
const TOKEN_BYTES: usize = 4096;
/// How many bytes of a derived key name the key that signs.
const KEY_ID_BYTES: usize = 9;

/// The account and session that a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The account.
    pub user: UserId,
    /// The sign-in that the token belongs to.
    pub session: SessionId,
    /// The account's version when the token was made. Once the account has a greater one, the token is revoked.
    pub token_version: i64,
    /// The account's role on the whole server.
    pub role: GlobalRole,
}

/// The contents of a verified token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The account and session that the token stands for.
    pub subject: Subject,
    /// The token's unique id.
    pub id: Uuid,
    /// When the token was issued, to the second.
    pub issued_at: Timestamp,
    /// From this moment on the token is refused.
    pub expires_at: Timestamp,
}

/// A fresh access token.
#[derive(Clone)]
pub struct Issued {
    /// The token itself. A bearer token: anyone who holds it can act as its subject.
    pub token: String,
    /// From this moment on the token is refused.
    pub expires_at: Timestamp,
    /// Its lifetime in seconds, for `Tokens::expires_in`.
    pub expires_in: u64,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The claims as a token encodes them. Times are whole seconds (`NumericDate`); any other type is refused.
#[derive(Serialize, Deserialize)]
struct WireClaims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    jti: Uuid,
    tv: i64,
    role: GlobalRole,
    typ: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl WireClaims {
    fn subject(&self) -> Subject {
        Subject {
            user: self.sub,
            session: self.sid,
            token_version: self.tv,
            role: self.role,
        }
    }
}

/// Issues and checks access tokens.
pub struct AccessTokens {
    signs: EncodingKey,
    /// The current key, then the one before it.
    keys: Vec<Key>,
    header: Header,
    validation: Validation,
    lifetime_s: i64,
}

/// A key that checks tokens.
struct Key {
    /// The header's `kid`. Derived from the key, it is the same on all instances, and reveals nothing of the key.
    id: String,
    checks: DecodingKey,
}

impl Key {
    /// `None` for an empty secret: anybody could sign with it.
    fn of(secret: &SecretString) -> Option<Key> {
        let secret = secret.expose_secret().as_bytes();
        let id = derive::key(secret, "the id of a key that signs access tokens", &[])?;
        Some(Key {
            id: URL_SAFE_NO_PAD.encode(&id[..KEY_ID_BYTES]),
            checks: DecodingKey::from_secret(secret),
        })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("keys", &self.keys.len())
            .field("lifetime_s", &self.lifetime_s)
            .finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Signs with `secret`; tokens signed with `previous`, the secret before the last rotation, are accepted too.
    /// `lifetime` counts in whole seconds. With an empty secret no token is valid, because anybody could sign with it.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>, lifetime: Duration) -> AccessTokens {
        let current = Key::of(secret);
        let header = Header {
            kid: current.as_ref().map(|key| key.id.clone()),
            ..plain_header()
        };
        AccessTokens {
            signs: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            keys: current.into_iter().chain(previous.and_then(Key::of)).collect(),
            header,
            validation: validation(),
            lifetime_s: i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX),
        }
    }

    /// A token for the subject, valid from `now_ms` (Unix milliseconds) for at least the whole lifetime.
    ///
    /// Fails with `INTERNAL_ERROR` if the signing fails.
    pub fn issue(&self, subject: &Subject, now_ms: i64) -> Result<Issued, Failure> {
        let issued_s = now_ms.div_euclid(1000);
        // Rounded up to the second, so that the client may rely on all of `expires_in`.
        let begun_s = i64::from(now_ms.rem_euclid(1000) != 0);
        let expires_s = issued_s.saturating_add(begun_s).saturating_add(self.lifetime_s);
        let claims = WireClaims {
            iss: ISSUER.to_owned(),
            aud: ISSUER.to_owned(),
            sub: subject.user,
            sid: subject.session,
            jti: Uuid::new_v4(),
            tv: subject.token_version,
            role: subject.role,
            typ: CLAIM_TYPE.to_owned(),
            iat: issued_s,
            nbf: issued_s,
            exp: expires_s,
        };
        let token = jsonwebtoken::encode(&self.header, &claims, &self.signs).map_err(|cause| {
            error!(
                error = &cause as &dyn std::error::Error,
                "an access token could not be signed"
            );
            Failure::new(ErrorCode::InternalError, "internal server error")
        })?;
        Ok(Issued {
            token,
            expires_at: at(expires_s),
            expires_in: self.lifetime_s.unsigned_abs(),
        })
    }

    /// The claims of a token that we signed and that is valid at `now_ms` (Unix milliseconds).
    ///
    /// Fails with `TOKEN_EXPIRED` if the token has expired and is otherwise valid. Any other failure is
    /// `INVALID_TOKEN`, without a reason.
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Claims, Failure> {
        let claims = self.decode(token).ok_or_else(invalid)?;
        if claims.exp.saturating_mul(1000) <= now_ms {
            return Err(Failure::new(
                ErrorCode::TokenExpired,
                "the access token has expired",
            ));
        }
        // A token from the future shows that a clock was set back, or that another instance's is ahead. It proves no
        // attack: with our key, an attacker could sign any time. Only one that is never in force is refused.
        if claims.nbf >= claims.exp {
            return Err(invalid());
        }
        Ok(Claims {
            subject: claims.subject(),
            id: claims.jti,
            issued_at: at(claims.iat),
            expires_at: at(claims.exp),
        })
    }

    /// Whose token this is, if we signed it, also after its end. It lets nobody in.
    pub fn subject(&self, token: &str) -> Option<Subject> {
        self.decode(token).map(|claims| claims.subject())
    }

    /// Checks everything except the times.
    fn decode(&self, token: &str) -> Option<WireClaims> {
        if token.len() > TOKEN_BYTES {
            return None;
        }
        let mut header = jsonwebtoken::decode_header(token).ok()?;
        // a token from before keys had ids names none
        let named = header.kid.take();
        // nothing else may stand in a header: no key that the token brings along (`jwk`, `jku`, `x5u`), no extension that
        // must be understood (`crit`), no other algorithm or type
        if header != plain_header() {
            return None;
        }
        let meant = |key: &&Key| named.as_ref().is_none_or(|id| *id == key.id);
        for key in self.keys.iter().filter(meant) {
            match jsonwebtoken::decode::<WireClaims>(token, &key.checks, &self.validation) {
                Ok(read) => return (read.claims.typ == CLAIM_TYPE).then_some(read.claims),
                Err(cause) if matches!(cause.kind(), ErrorKind::InvalidSignature) => {}
                Err(_) => return None,
            }
        }
        None
    }
}

/// The header of our tokens, without the name of the key.
fn plain_header() -> Header {
    Header {
        typ: Some(HEADER_TYPE.to_owned()),
        ..Header::new(Algorithm::HS256)
    }
}

/// The library checks the algorithm, the signature, the issuer and the audience. We check the times: the library would
/// read the system's clock, and accept a token for a minute after its end.
fn validation() -> Validation {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[ISSUER]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1000))
}

fn invalid() -> Failure {
    Failure::new(ErrorCode::InvalidToken, "the token is not valid")
}

#[cfg(test)]
mod tests;
