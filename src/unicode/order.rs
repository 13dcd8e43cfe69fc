//! The key that orders titles: Unicode's collation (UTS #10) with the tables of CLDR's root locale, which favours no
//! language. Accents count, case does not.

use icu_collator::options::{CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use std::cmp::Ordering;
use std::sync::LazyLock;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The tables are compiled in, so it is there; a test says so.
static COLLATOR: LazyLock<Option<CollatorBorrowed<'static>>> = LazyLock::new(|| {
    let mut options = CollatorOptions::default();
    options.strength = Some(Strength::Secondary);
    Collator::try_new(CollatorPreferences::default(), options).ok()
});

/// The key of a title: titles are ordered as their keys are, byte by byte. Hexadecimal, so that both databases compare it
/// as text.
pub fn title_key(title: &str) -> String {
    digits(&title_key_bytes(title)).map(char::from).collect()
}

/// The key of a title before it becomes text: half as long, and in the same order.
pub fn title_key_bytes(title: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(2 * title.len());
    if let Some(collator) = &*COLLATOR {
        let Ok(()) = collator.write_sort_key_to(title, &mut key);
    }
    key
}

/// How a key of bytes compares with a text: as the text that it would become does.
pub fn compare_to_title_key(key: &[u8], text: &str) -> Ordering {
    digits(key).cmp(text.bytes())
}

fn digits(key: &[u8]) -> impl Iterator<Item = u8> {
    let digits = key.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| DIGITS[usize::from(digit)])
}
