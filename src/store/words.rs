//! The words of full-text search as PostgreSQL gets them. They are split here: its own parser keeps addresses and
//! numbers in one piece, which SQLite's does not, and costs more than all the rest of writing a task.

use std::fmt::Write;

/// A longer word is not found: PostgreSQL takes no more bytes for one.
const LONGEST: usize = 2046;
/// PostgreSQL counts words up to this place.
const LAST_PLACE: usize = 16_383;

/// The words of a text, in lower case: everything that is no letter or digit separates them.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// Texts as a `tsvector`, in its text form: each word with its place.
pub(super) fn vector<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut vector = String::new();
    let words = texts.into_iter().flat_map(split);
    for (place, word) in words.enumerate() {
        if word.len() <= LONGEST {
            let place = (place + 1).min(LAST_PLACE);
            let _ = write!(vector, "'{word}':{place} ");
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_separates_and_case_does_not_matter() {
        let words: Vec<String> = split("Ada's e-mail: ADA@x.org, n°7 'ÄÖ\\").collect();
        assert_eq!(
            words,
            ["ada", "s", "e", "mail", "ada", "x", "org", "n", "7", "äö"]
        );
    }

    #[test]
    fn words_have_places_over_all_texts() {
        assert_eq!(vector(["Buy milk", "now"]), "'buy':1 'milk':2 'now':3 ");
        assert_eq!(vector(["x".repeat(3000).as_str(), "y"]), "'y':2 ");
    }
}
