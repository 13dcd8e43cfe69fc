//! Access tokens that the test signs with the server's secret: copies of real tokens with other times.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// The `jwt_secret` of a server whose tokens the test makes.
pub const SECRET: &str = "a secret for this test, and long enough";

/// A copy of a token with all times a day earlier, so that it has expired.
pub fn expired(token: &Value) -> Value {
    with_claims(token, |claims| {
        for claim in ["exp", "iat", "nbf"] {
            claims[claim] = json!(seconds(&claims[claim]) - 86_400);
        }
    })
}

/// A copy of a token that expires this many seconds after it was issued.
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
