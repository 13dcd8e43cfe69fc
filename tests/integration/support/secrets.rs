//! The secrets that tests send and receive: passwords, tokens, codes. A server's log must show none of them. Every client
//! here notes them, and [`super::Server`] looks for them in its log when its test ends.

use serde_json::Value;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// The fields that hold a secret, in any frame and body.
const FIELDS: [&str; 9] = [
    "password",
    "new_password",
    "current_password",
    "access_token",
    "refresh_token",
    "token",
    "secret",
    "device_code",
    "p256dh",
];
/// A shorter text may stand in a log by chance.
const SHORTEST: usize = 12;

static SEEN: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);

fn seen() -> MutexGuard<'static, HashSet<String>> {
    SEEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes every secret in a frame or a body.
pub fn note(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if FIELDS.contains(&name.as_str()) => note_text(text),
                    _ => note(value),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(note),
        _ => {}
    }
}

/// Notes a secret.
pub fn note_text(text: &str) {
    if text.len() >= SHORTEST && !seen().contains(text) {
        seen().insert(text.to_owned());
    }
}

/// A secret that a log shows. Linear in the log: its words are looked up, and only what is not one word is searched for.
pub fn shown_in(log: &str) -> Option<String> {
    let secrets = seen();
    let of_a_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let words = log.split(|letter| !of_a_word(letter));
    let mut words = words.flat_map(|word| [word, word.trim_matches('.')]);
    if let Some(word) = words.find(|word| word.len() >= SHORTEST && secrets.contains(*word)) {
        return Some(word.to_owned());
    }
    let mut phrases = secrets.iter().filter(|secret| !secret.chars().all(of_a_word));
    phrases.find(|phrase| log.contains(phrase.as_str())).cloned()
}

#[test]
fn a_secret_in_a_log_is_found() {
    note(
        &serde_json::json!({ "data": [{ "token": "pat.of-the.test_7", "password": "two words of the test" }] }),
    );
    for (log, shown) in [
        ("INFO token=pat.of-the.test_7.", Some("pat.of-the.test_7")),
        ("a \"two words of the test\"", Some("two words of the test")),
        (
            "pat.of-the.test_70 two words of the tests",
            Some("two words of the test"),
        ),
        ("pat.of-the.test", None),
    ] {
        assert_eq!(shown_in(log).as_deref(), shown, "{log}");
    }
}
