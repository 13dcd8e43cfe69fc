//! The words of full-text search as PostgreSQL gets them. Texts are split here, because PostgreSQL's parser keeps
//! addresses and numbers in one piece, unlike SQLite's, and costs more than the rest of writing a task.

use std::fmt::Write;

/// The most bytes of a word that PostgreSQL accepts. Longer words are not found.
const LONGEST: usize = 2046;
/// The highest position of a word that PostgreSQL stores.
const LAST_PLACE: usize = 16_383;

/// The words of a text in lower case. All characters but letters and digits separate words.
pub(super) fn split(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// The text form of a `tsvector`: each word with its position.
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
