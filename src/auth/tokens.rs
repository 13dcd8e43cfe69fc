//! Access tokens are signed (JWT, RFC 7519, in the profile of RFC 9068), short-lived, and checked without a database.
//! Refresh tokens are opaque; only their hash is stored. Does not know whether a session still exists or an account is
//! active: callers compare the claims with the database.

use std::fmt;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rand::CryptoRng;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use taskwire_protocol::account::GlobalRole;
use taskwire_protocol::{ErrorCode, Failure, SessionId, Timestamp, UserId};
use tracing::error;
use uuid::Uuid;

/// The issuer and the audience of every token (`iss`, `aud`).
const ISSUER: &str = "taskwire";
/// The header's `typ` (RFC 9068, section 2.1). So another kind of JWT, signed with the same key, is not an access
/// token.
const HEADER_TYPE: &str = "at+jwt";
/// The claim `typ`, for readers that see only the claims.
const CLAIM_TYPE: &str = "access";
/// A longer token is refused without decoding. Ours have about a tenth of this.
const TOKEN_BYTES: usize = 4096;

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

/// Issues and checks access tokens.
pub struct AccessTokens {
    signs: EncodingKey,
    /// The current key, then the one before it.
    checks: Vec<DecodingKey>,
    header: Header,
    validation: Validation,
    lifetime_s: i64,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("keys", &self.checks.len())
            .field("lifetime_s", &self.lifetime_s)
            .finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Signs with `secret`; tokens signed with `previous`, the secret before the last rotation, are accepted too.
    /// `lifetime` counts in whole seconds. With an empty secret no token is valid, because anybody could sign with it.
    pub fn new(secret: &SecretString, previous: Option<&SecretString>, lifetime: Duration) -> AccessTokens {
        let checks = std::iter::once(secret)
            .chain(previous)
            .map(|key| key.expose_secret().as_bytes())
            .filter(|key| !key.is_empty())
            .map(DecodingKey::from_secret)
            .collect();
        AccessTokens {
            signs: EncodingKey::from_secret(secret.expose_secret().as_bytes()),
            checks,
            header: header(),
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
            subject: Subject {
                user: claims.sub,
                session: claims.sid,
                token_version: claims.tv,
                role: claims.role,
            },
            id: claims.jti,
            issued_at: at(claims.iat),
            expires_at: at(claims.exp),
        })
    }

    /// Checks everything except the times.
    fn decode(&self, token: &str) -> Option<WireClaims> {
        if token.len() > TOKEN_BYTES {
            return None;
        }
        for key in &self.checks {
            match jsonwebtoken::decode::<WireClaims>(token, key, &self.validation) {
                Ok(read) => {
                    // `crit` names extensions without which the token must not be understood (RFC 7515, section
                    // 4.1.11); we have none.
                    let ours = read.header.typ.as_deref() == Some(HEADER_TYPE)
                        && read.header.crit.is_none()
                        && read.claims.typ == CLAIM_TYPE;
                    return ours.then_some(read.claims);
                }
                Err(cause) if matches!(cause.kind(), ErrorKind::InvalidSignature) => {}
                Err(_) => return None,
            }
        }
        None
    }
}

fn header() -> Header {
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

/// The prefix of a refresh token, by which people and scanners recognise a leaked one.
const REFRESH_PREFIX: &str = "rt_";
const SESSION_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
/// The length of both in base64url. Together they are a multiple of three bytes, so there is no padding and only one
/// encoding.
const REFRESH_TEXT: usize = (SESSION_BYTES + SECRET_BYTES) / 3 * 4;

/// A client exchanges this for the session's next pair of tokens. Its text is `rt_`, then the session's id and 256
/// random bits in base64url.
pub struct RefreshToken {
    session: SessionId,
    secret: SecretBox<[u8; SECRET_BYTES]>,
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshToken")
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

impl RefreshToken {
    /// A fresh token of the session.
    pub fn new(session: SessionId, rng: &mut (impl CryptoRng + ?Sized)) -> RefreshToken {
        let secret = SecretBox::init_with_mut(|bytes: &mut [u8; SECRET_BYTES]| rng.fill_bytes(bytes));
        RefreshToken { session, secret }
    }

    /// Parses what a client sent. A token that can be parsed was not necessarily issued by us.
    ///
    /// Fails with `INVALID_TOKEN`.
    pub fn parse(text: &str) -> Result<RefreshToken, Failure> {
        RefreshToken::read(text).ok_or_else(invalid)
    }

    fn read(text: &str) -> Option<RefreshToken> {
        let text = text.strip_prefix(REFRESH_PREFIX)?;
        if text.len() != REFRESH_TEXT {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (session, rest) = bytes.split_first_chunk::<SESSION_BYTES>()?;
        if rest.len() != SECRET_BYTES {
            return None;
        }
        let mut secret = SecretBox::<[u8; SECRET_BYTES]>::default();
        secret.expose_secret_mut().copy_from_slice(rest);
        Some(RefreshToken {
            session: SessionId(Uuid::from_bytes(*session)),
            secret,
        })
    }

    /// The session that the token claims to belong to, and whose stored hash it must match.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The token itself, for the client and nobody else.
    pub fn reveal(&self) -> String {
        let mut bytes = Zeroizing::new([0; SESSION_BYTES + SECRET_BYTES]);
        bytes[..SESSION_BYTES].copy_from_slice(self.session.0.as_bytes());
        bytes[SESSION_BYTES..].copy_from_slice(self.secret.expose_secret());
        format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes))
    }

    /// The stored form: SHA-256 over session and secret. A slow hash would add nothing, because 256 random bits cannot
    /// be guessed.
    pub fn hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(self.session.0.as_bytes());
        hasher.update(self.secret.expose_secret());
        hasher.finalize().into()
    }

    /// Whether this is the token whose hash was stored, in constant time, so that the duration does not reveal how much
    /// matches.
    pub fn matches(&self, stored: &[u8]) -> bool {
        self.hash().ct_eq(stored).into()
    }
}

#[cfg(test)]
mod tests;
