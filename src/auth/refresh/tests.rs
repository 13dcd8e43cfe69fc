//! Which refresh tokens are read, and which are ours.

use super::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn ours() -> RefreshTokens {
    RefreshTokens::new(&"the key of today, 32 bytes or so".into(), None)
}

fn session(n: u128) -> SessionId {
    SessionId(Uuid::from_u128(n))
}

fn token(seed: u64) -> RefreshToken {
    ours().issue(session(8), &mut StdRng::seed_from_u64(seed))
}

#[test]
fn a_token_reads_back() {
    let token = token(1);
    let text = token.reveal();
    assert!(text.starts_with("rt_") && text.len() == 99, "{text}");
    let read = RefreshToken::parse(&text).unwrap();
    assert_eq!((read.session(), read.hash()), (session(8), token.hash()));
    assert_eq!(read.reveal(), text);
    assert_ne!(self::token(2).hash(), token.hash());
}

#[test]
fn the_hash_of_a_token_is_of_its_session() {
    let [one, two] = [1, 2].map(|n| ours().issue(session(n), &mut StdRng::seed_from_u64(1)));
    assert_ne!(one.hash(), two.hash());
}

#[test]
fn a_token_that_somebody_made_up_is_not_ours() {
    let token = token(1);
    assert!(ours().made(&token));
    let text = token.reveal();
    for index in 3..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = RefreshToken::parse(&String::from_utf8(bytes).unwrap()).unwrap();
        assert!(!ours().made(&changed), "character {index}");
    }
    let other = RefreshTokens::new(&"another key of 32 bytes or longer".into(), None);
    assert!(!other.made(&token));
}

#[test]
fn a_token_of_an_older_version_has_no_tag() {
    let token = token(1);
    let text = &token.reveal()[..3 + UNTAGGED / 3 * 4];
    assert_eq!(text.len(), 67);
    let read = RefreshToken::parse(text).unwrap();
    assert_eq!(read.hash(), token.hash());
    assert!(!ours().made(&read));
    assert_eq!(read.reveal(), text);
}

#[test]
fn after_a_rotation_the_previous_key_is_accepted_and_a_third_is_not() {
    let (old, new): (SecretString, SecretString) =
        ("the key of yesterday".into(), "the key of tomorrow".into());
    let (before, rotated) = (
        RefreshTokens::new(&old, None),
        RefreshTokens::new(&new, Some(&old)),
    );
    let token = before.issue(session(1), &mut StdRng::seed_from_u64(1));
    assert!(rotated.made(&token) && !ours().made(&token));
    let fresh = rotated.issue(session(1), &mut StdRng::seed_from_u64(1));
    assert!(!before.made(&fresh), "the new key tags");
}

#[test]
fn without_a_key_nothing_is_ours() {
    let unguarded = RefreshTokens::new(&"".into(), Some(&"".into()));
    assert!(!unguarded.made(&unguarded.issue(session(1), &mut StdRng::seed_from_u64(1))));
}

#[test]
fn text_that_is_not_a_refresh_token_is_refused() {
    let good = token(1).reveal();
    for text in [
        "",
        "rt_",
        &good[3..],
        &good[..98],
        &good[..66],
        &format!("{good}A"),
        &format!("{}=", &good[..98]),
        &format!("{}é", &good[..97]),
        &good.replace("rt_", "RT_"),
    ] {
        let failure = RefreshToken::parse(text).unwrap_err();
        assert_eq!(failure.code, ErrorCode::InvalidToken, "{text}");
    }
}

#[test]
fn debug_output_contains_no_secret() {
    let token = token(1);
    let printed = format!("{:?} {token:?}", ours());
    assert!(!printed.contains("key of today") && !printed.contains(&token.reveal()[30..]));
    assert!(!printed.contains(&format!("{:?}", token.secret())));
}
