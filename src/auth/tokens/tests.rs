//! Which tokens are accepted, and which are refused.

use super::*;
use serde_json::{Value, json};

const NOW_MS: i64 = 1_790_000_000_250;
const MINUTE_MS: i64 = 60_000;

fn secret(text: &str) -> SecretString {
    text.into()
}

fn tokens() -> AccessTokens {
    AccessTokens::new(
        &secret("the key of today, 32 bytes or so"),
        None,
        Duration::from_mins(15),
    )
}

fn subject() -> Subject {
    Subject {
        user: UserId(Uuid::from_u128(7)),
        session: SessionId(Uuid::from_u128(8)),
        token_version: 3,
        role: GlobalRole::Admin,
    }
}

fn claims() -> Value {
    json!({
        "iss": "taskwire", "aud": "taskwire", "sub": Uuid::from_u128(7), "sid": Uuid::from_u128(8),
        "jti": Uuid::from_u128(9), "tv": 3, "role": "admin", "typ": "access",
        "iat": NOW_MS / 1000, "nbf": NOW_MS / 1000, "exp": NOW_MS / 1000 + 900,
    })
}

/// The header of our tokens.
fn ours() -> Header {
    tokens().header
}

/// A token with any header and claims, signed with our key.
fn signed(header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &tokens().signs).unwrap()
}

/// A token with one claim changed, or left out if `value` is null.
fn with_claim(name: &str, value: Value) -> String {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    signed(&ours(), &claims)
}

fn verify(token: &str) -> Result<Claims, ErrorCode> {
    tokens().verify(token, NOW_MS).map_err(|failure| failure.code)
}

#[test]
fn a_token_names_its_subject() {
    let issued = tokens().issue(&subject(), NOW_MS).unwrap();
    let claims = verify(&issued.token).unwrap();
    assert_eq!(claims.subject, subject());
    assert_eq!(claims.expires_at, issued.expires_at);
    assert_eq!(claims.issued_at, Timestamp(1_790_000_000_000));
    assert_eq!((claims.id.get_version_num(), issued.expires_in), (4, 900));
    let again = tokens().issue(&subject(), NOW_MS).unwrap();
    assert_ne!(verify(&again.token).unwrap().id, claims.id);
}

#[test]
fn a_token_lasts_its_lifetime_and_not_a_millisecond_longer() {
    let tokens = tokens();
    let issued = tokens.issue(&subject(), NOW_MS).unwrap();
    let end_ms = issued.expires_at.0;
    assert!((NOW_MS + 15 * MINUTE_MS..NOW_MS + 15 * MINUTE_MS + 1000).contains(&end_ms));
    assert!(tokens.verify(&issued.token, end_ms - 1).is_ok());
    let failure = tokens.verify(&issued.token, end_ms).unwrap_err();
    assert_eq!(failure.code, ErrorCode::TokenExpired);
}

#[test]
fn a_token_stays_valid_when_the_clock_is_set_back() {
    let tokens = tokens();
    let token = tokens.issue(&subject(), NOW_MS).unwrap().token;
    for back_ms in [MINUTE_MS, 24 * 60 * MINUTE_MS, NOW_MS] {
        assert!(tokens.verify(&token, NOW_MS - back_ms).is_ok(), "{back_ms} ms");
    }
}

#[test]
fn the_unchanged_claims_are_accepted() {
    assert!(verify(&signed(&ours(), &claims())).is_ok());
}

#[test]
fn a_token_with_a_foreign_claim_is_refused() {
    for (name, value) in [
        ("iss", json!("elsewhere")),
        ("aud", json!("elsewhere")),
        ("aud", json!(["taskwire", "elsewhere"])),
        ("typ", json!("refresh")),
        ("role", json!("owner")),
        ("sub", json!("somebody")),
    ] {
        assert_eq!(
            verify(&with_claim(name, value.clone())),
            Err(ErrorCode::InvalidToken),
            "{name} {value}"
        );
    }
}

#[test]
fn every_claim_is_required() {
    for name in claims().as_object().unwrap().keys() {
        assert_eq!(
            verify(&with_claim(name, Value::Null)),
            Err(ErrorCode::InvalidToken),
            "{name}"
        );
    }
}

#[test]
fn a_time_is_a_whole_number_and_never_overflows() {
    for value in [json!("1790000900"), json!(1_790_000_900.5), json!(true)] {
        for name in ["exp", "nbf", "iat"] {
            let token = with_claim(name, value.clone());
            assert_eq!(verify(&token), Err(ErrorCode::InvalidToken), "{name} {value}");
        }
    }
    assert_eq!(
        verify(&with_claim("nbf", json!(i64::MAX))),
        Err(ErrorCode::InvalidToken)
    );
    assert_eq!(
        verify(&with_claim("exp", json!(i64::MIN))),
        Err(ErrorCode::InvalidToken)
    );
    assert_eq!(verify(&with_claim("exp", json!(0))), Err(ErrorCode::TokenExpired));
    assert!(verify(&with_claim("exp", json!(i64::MAX))).is_ok());
}

#[test]
fn only_our_header_is_accepted() {
    let other = |change: fn(&mut Header)| {
        let mut header = ours();
        change(&mut header);
        header
    };
    let headers = [
        other(|header| header.alg = Algorithm::HS384),
        other(|header| header.alg = Algorithm::HS512),
        other(|header| header.typ = Some("JWT".to_owned())),
        other(|header| header.typ = None),
        other(|header| header.crit = Some(vec!["b64".to_owned()])),
        other(|header| header.jku = Some("https://example.com/keys".to_owned())),
        other(|header| header.x5u = Some("https://example.com/chain".to_owned())),
        other(|header| header.kid = Some(String::new())),
        other(|header| header.kid = Some("../../dev/null".to_owned())),
        other(|header| header.extras.insert("b64", false)),
    ];
    for header in headers {
        let refused = verify(&signed(&header, &claims()));
        assert_eq!(refused, Err(ErrorCode::InvalidToken), "{header:?}");
    }
}

#[test]
fn a_token_from_before_keys_had_ids_is_accepted() {
    assert!(verify(&signed(&plain_header(), &claims())).is_ok());
}

#[test]
fn the_id_of_a_key_is_the_same_on_all_instances_and_does_not_contain_the_key() {
    let id = ours().kid.expect("an id");
    assert_eq!(Some(&id), tokens().header.kid.as_ref());
    assert_eq!(id.len(), 12);
    let other = AccessTokens::new(&secret("another key, 32 bytes or longer"), None, Duration::ZERO);
    assert_ne!(Some(&id), other.header.kid.as_ref());
}

#[test]
fn an_unsigned_token_is_refused() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"at+jwt","alg":"none"}"#);
    let claims = URL_SAFE_NO_PAD.encode(claims().to_string());
    for token in [format!("{header}.{claims}."), format!("{header}.{claims}")] {
        assert_eq!(verify(&token), Err(ErrorCode::InvalidToken));
    }
    let signed = tokens().issue(&subject(), NOW_MS).unwrap().token;
    let (unsigned, _) = signed.rsplit_once('.').unwrap();
    assert_eq!(verify(&format!("{unsigned}.")), Err(ErrorCode::InvalidToken));
}

#[test]
fn a_token_with_any_one_character_changed_is_refused() {
    let token = tokens().issue(&subject(), NOW_MS).unwrap().token;
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(
            verify(&changed),
            Err(ErrorCode::InvalidToken),
            "character {index}"
        );
    }
}

#[test]
fn text_that_is_not_a_token_is_refused() {
    for text in [
        "",
        ".",
        "..",
        "...",
        "rt_x",
        "a.b.c",
        "\u{0}.\u{0}.\u{0}",
        "é.é.é",
    ] {
        assert_eq!(verify(text), Err(ErrorCode::InvalidToken), "{text:?}");
    }
}

#[test]
fn a_token_over_4_kib_is_refused_even_when_we_signed_it() {
    let with_padding = |bytes: usize| with_claim("padding", json!("x".repeat(bytes)));
    assert!(verify(&with_padding(2000)).is_ok());
    let token = with_padding(4000);
    assert!(token.len() > TOKEN_BYTES);
    assert_eq!(verify(&token), Err(ErrorCode::InvalidToken));
}

#[test]
fn after_a_rotation_the_previous_key_is_accepted_and_a_third_is_not() {
    let (old, new) = (
        secret("the key of yesterday, long enough"),
        secret("the key of tomorrow, long enough"),
    );
    let lifetime = Duration::from_mins(15);
    let before = AccessTokens::new(&old, None, lifetime);
    let rotated = AccessTokens::new(&new, Some(&old), lifetime);
    let token = before.issue(&subject(), NOW_MS).unwrap().token;
    assert!(rotated.verify(&token, NOW_MS).is_ok());
    assert_eq!(verify(&token), Err(ErrorCode::InvalidToken));
    let plain = jsonwebtoken::encode(&plain_header(), &claims(), &before.signs).unwrap();
    assert!(
        rotated.verify(&plain, NOW_MS).is_ok(),
        "without an id both keys are tried"
    );
    let misnamed = jsonwebtoken::encode(&rotated.header, &claims(), &before.signs).unwrap();
    assert!(rotated.verify(&misnamed, NOW_MS).is_err(), "an id names one key");
    let fresh = rotated.issue(&subject(), NOW_MS).unwrap().token;
    assert!(before.verify(&fresh, NOW_MS).is_err(), "the new key signs");
}

#[test]
fn an_empty_key_verifies_nothing() {
    let empty = secret("");
    let unguarded = AccessTokens::new(&empty, Some(&empty), Duration::from_mins(15));
    let token = unguarded.issue(&subject(), NOW_MS).unwrap().token;
    assert!(unguarded.verify(&token, NOW_MS).is_err());
}

#[test]
fn debug_output_contains_no_secret() {
    let tokens = tokens();
    let issued = tokens.issue(&subject(), NOW_MS).unwrap();
    let printed = format!("{tokens:?} {issued:?}");
    assert!(!printed.contains("key of today") && !printed.contains(&issued.token));
}
