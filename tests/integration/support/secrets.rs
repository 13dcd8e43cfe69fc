//! What tests send and receive and a log must not show: passwords, tokens, codes, e-mail addresses. Every client here notes
//! them, and the mails in a server's folder have more; [`super::Server`] looks for them in its log when its test ends.

use super::mails;
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
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
/// The fields that hold a short code, which no log has by chance.
const CODES: [&str; 1] = ["user_code"];
/// The fields that hold an address, which a log shows only masked.
const ADDRESSES: [&str; 2] = ["email", "new_email"];
/// A shorter text may stand in a log by chance.
const SHORTEST: usize = 12;
/// The same for a short code.
const SHORTEST_CODE: usize = 9;
/// The tokens of links and commands in mails are longer, and no other word of a mail is.
const TOKEN: usize = 40;

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
                    Value::String(code) if CODES.contains(&name.as_str()) => note_if(code, SHORTEST_CODE),
                    Value::String(address) if ADDRESSES.contains(&name.as_str()) => note_address(address),
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
    note_if(text, SHORTEST);
}

fn note_if(text: &str, shortest: usize) {
    if text.len() >= shortest && !seen().contains(text) {
        seen().insert(text.to_owned());
    }
}

/// Notes an address as one word. One that is none, as tests send them, could be any text.
fn note_address(address: &str) {
    let is_one = |(name, domain): (&str, &str)| !name.is_empty() && domain.contains('.');
    if address.chars().all(of_an_address) && address.split_once('@').is_some_and(is_one) {
        note_if(&address.to_lowercase(), 0);
    }
}

fn of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-_.".contains(letter)
}

fn of_an_address(letter: char) -> bool {
    of_a_word(letter) || "@+".contains(letter)
}

/// The codes and tokens in the mails of a folder.
pub fn in_mails(folder: &Path) -> HashSet<String> {
    let mut secrets = HashSet::new();
    for mail in mails::in_folder(folder) {
        secrets.extend(mail.codes());
        // a long address is no token, and its domain may be in a log
        let words = mail.text.split(|letter| !of_an_address(letter));
        let tokens = words.filter(|word| word.len() >= TOKEN && word.chars().all(of_a_word));
        secrets.extend(tokens.map(str::to_owned));
    }
    secrets
}

/// A secret that a log shows: one that a client noted, or one of `own`, which only this log's server had. Linear in the
/// log: its words are looked up, and only what is not one word is searched for.
pub fn shown_in(log: &str, own: &HashSet<String>) -> Option<String> {
    let secrets = seen();
    let words = log.split(|letter| !of_a_word(letter));
    let mut words = words.flat_map(|word| [word, word.trim_matches('.')]);
    let is_one =
        |word: &&str| own.contains(*word) || (word.len() >= SHORTEST_CODE && secrets.contains(*word));
    if let Some(word) = words.find(is_one) {
        return Some(word.to_owned());
    }
    let addresses = log.split(|letter| !of_an_address(letter));
    let mut addresses = addresses.map(|word| word.trim_matches('.').to_lowercase());
    if let Some(address) = addresses.find(|word| word.contains('@') && secrets.contains(word)) {
        return Some(address);
    }
    let mut phrases = secrets.iter().filter(|secret| !secret.chars().all(of_an_address));
    phrases.find(|phrase| log.contains(phrase.as_str())).cloned()
}

#[test]
fn a_secret_in_a_log_is_found() {
    note(&serde_json::json!({
        "data": [{ "token": "pat.of-the.test_7", "password": "two words of the test", "code": "314159" }],
        "user_code": "TSTW-RDQX", "email": "The+Test@example.test", "new_email": "no address",
    }));
    let own = HashSet::from(["271828".to_owned()]);
    for (log, shown) in [
        ("INFO token=pat.of-the.test_7.", Some("pat.of-the.test_7")),
        ("a \"two words of the test\"", Some("two words of the test")),
        (
            "pat.of-the.test_70 two words of the tests",
            Some("two words of the test"),
        ),
        ("pat.of-the.test", None),
        ("typed TSTW-RDQX.", Some("TSTW-RDQX")),
        ("to <the+test@Example.test>:", Some("the+test@example.test")),
        ("t***@example.test no address", None),
        ("code=271828 ", Some("271828")),
        ("rows=2718281 took 0.271828 s, 314159", None),
    ] {
        assert_eq!(shown_in(log, &own).as_deref(), shown, "{log}");
    }
}
