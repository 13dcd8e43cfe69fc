//! Which new passwords are accepted, and which password a hash matches.

use super::*;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2};
use std::collections::HashSet;
use taskwire_protocol::limits::PASSWORD_MIN;

fn refusal(password: &str) -> Option<String> {
    let personal = ["Ada.Byron@example.org", "ada.byron", "Ada Byron"];
    let failure = check_new(password, &personal).err()?;
    assert_eq!(failure.code, ErrorCode::ValidationError);
    assert_eq!(failure.field.as_deref(), Some("password"));
    Some(failure.message)
}

fn library(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn old_hash() -> String {
    let params = Params::new(8192, 1, 1, None).unwrap();
    let hash: PasswordHash = library(params).hash_password(b"tea at half past four").unwrap();
    hash.to_string()
}

#[test]
fn kept_memory_changes_no_hash() {
    let mut memory = Memory::default();
    for params in [Params::new(64, 3, 2, None), Params::new(32, 1, 1, Some(24))] {
        let params = params.unwrap();
        for password in ["tea at half past four", "another"] {
            let hash = memory.hash(password, &params).unwrap();
            let hash = PasswordHash::new(&hash).unwrap();
            let verified = library(params.clone()).verify_password(password.as_bytes(), &hash);
            assert_eq!(verified, Ok(()));
            assert!(memory.check(password, &hash).unwrap());
            assert!(!memory.check("wrong", &hash).unwrap());
        }
    }
}

#[test]
fn a_new_password_has_8_to_128_characters_however_many_bytes() {
    assert!(refusal("sÿzygÿ!").is_some());
    assert_eq!(refusal("sÿzygÿ!!"), None);
    assert_eq!(refusal(&"äö".repeat(64)), None);
    assert!(refusal(&format!("{}x", "äö".repeat(64))).is_some());
    assert!(refusal("tea at\0half past four").is_some());
}

#[test]
fn common_passwords_are_refused_in_any_case() {
    for password in [
        "password",
        "PassWord1",
        "QWERTYUIOP",
        "12345678",
        " iloveyou ",
        "zzzzzzzzzz",
        "        ",
    ] {
        assert!(
            refusal(password).is_some_and(|why| why.contains("common")),
            "{password}"
        );
    }
    assert_eq!(refusal("tea at half past four"), None);
}

#[test]
fn what_contains_the_address_username_or_name_of_the_person_is_refused() {
    for password in [
        "ada.byron@example.org",
        "ADA.BYRON",
        "ada byron",
        "my name is Ada Byron!",
        "AdaByron1815",
        "1815ada.byron",
    ] {
        assert!(refusal(password).is_some(), "{password}");
    }
    assert_eq!(refusal("ada and charles"), None);
    let short = |password| check_new(password, &["ada@example.org", "ada", "Ada"]).is_ok();
    assert!(short("adamant but yielding"), "three letters may occur by chance");
    assert!(!short("ada@example.org"), "but the address itself does not");
}

#[test]
fn the_common_passwords_are_sorted_in_lower_case_and_long_enough_to_matter() {
    let lines: Vec<&str> = include_str!("../common_passwords.txt").lines().collect();
    assert!(lines.len() > 10_000 && lines.is_sorted());
    for line in &lines {
        assert!(
            line.chars().count() >= PASSWORD_MIN && *line == line.to_lowercase().trim(),
            "{line:?}"
        );
    }
    let different: HashSet<&str> = lines.iter().copied().collect();
    assert_eq!(different.len(), lines.len(), "no line is repeated");
}

#[tokio::test]
async fn a_hash_matches_its_password_and_no_other() {
    let passwords = Passwords::new(2, false);
    let hash = passwords
        .hash("tea at half past four".into(), Asker::server())
        .await
        .unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    assert!(!needs_rehash(&hash));
    let verify = async |password: &str, stored| {
        passwords
            .verify(password.into(), stored, Asker::server())
            .await
            .unwrap()
    };
    assert!(verify("tea at half past four", Some(&*hash)).await);
    assert!(!verify("Tea at half past four", Some(&*hash)).await);
    assert!(!verify("tea at half past four", None).await);
    let again = passwords
        .hash("tea at half past four".into(), Asker::server())
        .await
        .unwrap();
    assert_ne!(hash, again, "each hash has its own salt");
}

#[tokio::test]
async fn a_password_is_the_same_however_its_accents_and_spaces_are_typed() {
    let passwords = Passwords::new(2, false);
    let verify = async |password: &str, stored: &str| {
        passwords
            .verify(password.into(), Some(stored), Asker::server())
            .await
            .unwrap()
    };
    let hash = passwords
        .hash("Größe und Gewicht".into(), Asker::server())
        .await
        .unwrap();
    assert!(verify("Gro\u{308}ße\u{a0}und\u{3000}Gewicht", &hash).await);
    assert!(!verify("Grosse und Gewicht", &hash).await);
    assert!(!verify("größe und gewicht", &hash).await);
    let longest = passwords
        .hash("é".repeat(PASSWORD).into(), Asker::server())
        .await
        .unwrap();
    assert!(verify(&"e\u{301}".repeat(PASSWORD), &longest).await);
    // an older version hashed what came
    let old: PasswordHash = library(current().unwrap())
        .hash_password("Gro\u{308}ße".as_bytes())
        .unwrap();
    assert!(verify("Gro\u{308}ße", &old.to_string()).await);
    assert!(!verify("Größe", &old.to_string()).await);
}

#[test]
fn a_new_password_can_be_typed_again() {
    for bad in [
        "tea at\u{7}half past",
        "tea at\thalf past",
        "tea at\u{200b}half past",
        "tea at\u{3164}half past",
    ] {
        assert!(refusal(bad).is_some(), "{bad:?}");
    }
    assert_eq!(refusal("tea\u{3000}at\u{a0}half past"), None);
    assert!(refusal(&"e\u{301}".repeat(7)).is_some(), "composed, it is short");
    assert_eq!(refusal(&format!("x{}", "e\u{301}".repeat(PASSWORD - 1))), None);
    assert!(refusal("ＡＤＡ．ｂｙｒｏｎ").is_none(), "width counts");
}

#[tokio::test]
async fn an_overlong_password_is_wrong_and_is_not_hashed_itself() {
    let passwords = Passwords::new(1, false);
    let long = "x".repeat(PASSWORD + 1);
    let hash = passwords
        .hash(long.as_str().into(), Asker::server())
        .await
        .unwrap();
    assert!(
        !passwords
            .verify(long.into(), Some(&hash), Asker::server())
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_hash_with_old_parameters_still_matches_and_needs_a_rehash() {
    let old = old_hash();
    assert!(needs_rehash(&old));
    let passwords = Passwords::new(1, false);
    assert!(
        passwords
            .verify("tea at half past four".into(), Some(&old), Asker::server())
            .await
            .unwrap()
    );
    assert!(needs_rehash(&old.replace("argon2id", "argon2i")));
    assert!(needs_rehash("damaged"));
}

#[tokio::test]
async fn a_damaged_hash_is_an_internal_error() {
    let failure = Passwords::new(1, false)
        .verify("tea at half past four".into(), Some("damaged"), Asker::server())
        .await;
    assert_eq!(failure.map_err(|f| f.code), Err(ErrorCode::InternalError));
}
