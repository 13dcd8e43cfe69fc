//! Access tokens made with the server's secret: copies of a test's tokens with other times in them.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// The secret that a server takes as `jwt_secret` when a test makes its tokens.
pub const SECRET: &str = "a secret for this test, and long enough";

/// The same claims, but over since a day.
pub fn expired(token: &Value) -> Value {
    with_claims(token, |claims| {
        for claim in ["exp", "iat", "nbf"] {
            claims[claim] = json!(seconds(&claims[claim]) - 86_400);
        }
    })
}

/// The same claims, but over so many seconds after it was made.
pub fn lasting(token: &Value, lifetime_s: i64) -> Value {
    with_claims(token, |claims| {
        claims["exp"] = json!(seconds(&claims["iat"]) + lifetime_s);
    })
}

fn seconds(claim: &Value) -> i64 {
    claim.as_i64().expect("seconds")
}

fn with_claims(token: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    let token = token.as_str().expect("a token");
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let read = jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a token of this secret");
    let mut claims = read.claims;
    change(&mut claims);
    let header = Header {
        typ: read.header.typ,
        ..Header::new(Algorithm::HS256)
    };
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    json!(jsonwebtoken::encode(&header, &claims, &key).expect("a token"))
}
