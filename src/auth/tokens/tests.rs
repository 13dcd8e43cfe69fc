//! Which tokens are accepted, and which are refused.

use super::*;
use rand::SeedableRng;
use rand::rngs::StdRng;
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
    signed(&header(), &claims)
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
    assert!(verify(&signed(&header(), &claims())).is_ok());
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
fn only_our_algorithm_and_type_are_accepted() {
    let typ = Some(HEADER_TYPE.to_owned());
    let other_algorithm = Header {
        typ: typ.clone(),
        ..Header::new(Algorithm::HS512)
    };
    let plain_jwt = Header::new(Algorithm::HS256);
    let untyped = Header {
        typ: None,
        ..Header::new(Algorithm::HS256)
    };
    let critical = Header {
        typ,
        crit: Some(vec!["b64".to_owned()]),
        ..Header::new(Algorithm::HS256)
    };
    for header in [other_algorithm, plain_jwt, untyped, critical] {
        assert_eq!(
            verify(&signed(&header, &claims())),
            Err(ErrorCode::InvalidToken),
            "{header:?}"
        );
    }
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
fn a_refresh_token_reads_back_and_matches_its_hash_only() {
    let mut rng = StdRng::seed_from_u64(1);
    let token = RefreshToken::new(subject().session, &mut rng);
    let text = token.reveal();
    assert!(text.starts_with("rt_") && text.len() == 67, "{text}");
    let read = RefreshToken::parse(&text).unwrap();
    assert_eq!(read.session(), subject().session);
    assert!(read.matches(&token.hash()));
    let next = RefreshToken::new(subject().session, &mut rng);
    assert!(!next.matches(&token.hash()));
    assert!(!token.matches(&token.hash()[..31]) && !token.matches(&[]));
}

#[test]
fn the_hash_of_a_refresh_token_matches_its_session_only() {
    let one = RefreshToken::new(SessionId(Uuid::from_u128(1)), &mut StdRng::seed_from_u64(1));
    let two = RefreshToken::new(SessionId(Uuid::from_u128(2)), &mut StdRng::seed_from_u64(1));
    assert!(!two.matches(&one.hash()));
}

#[test]
fn text_that_is_not_a_refresh_token_is_refused() {
    let good = RefreshToken::new(subject().session, &mut StdRng::seed_from_u64(1)).reveal();
    for text in [
        "",
        "rt_",
        &good[3..],
        &good[..66],
        &format!("{good}A"),
        &format!("{}=", &good[..66]),
        &format!("{}é", &good[..65]),
        &good.replace("rt_", "RT_"),
    ] {
        let failure = RefreshToken::parse(text).unwrap_err();
        assert_eq!(failure.code, ErrorCode::InvalidToken, "{text}");
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let tokens = tokens();
    let issued = tokens.issue(&subject(), NOW_MS).unwrap();
    let refresh = RefreshToken::new(subject().session, &mut StdRng::seed_from_u64(1));
    let printed = format!("{tokens:?} {issued:?} {refresh:?}");
    assert!(!printed.contains("key of today") && !printed.contains(&issued.token));
    assert!(!printed.contains(&refresh.reveal()[30..]));
    assert!(!printed.contains(&format!("{:?}", refresh.secret.expose_secret())));
}
