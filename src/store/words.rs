//! The words of full-text search (`unicode::words`) as each database gets them. Splitting and folding is ours, the same for
//! both: their own parsers differ from each other, and from one version to the next.

use crate::unicode::{Term, words};
use std::fmt::Write;

/// The highest position of a word that PostgreSQL stores.
const LAST_PLACE: usize = 16_383;

/// The text form of a `tsvector`: each word with its position.
pub(super) fn vector<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let (mut vector, mut place) = (String::new(), 0);
    for text in texts {
        words(text, |word| {
            place = (place + 1).min(LAST_PLACE);
            let _ = write!(vector, "'{word}':{place} ");
        });
    }
    vector
}

/// Words with spaces between, as SQLite's index gets them: its tokenizer `ascii` splits them there and nowhere else.
pub(super) fn spaced<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut spaced = String::new();
    for text in texts {
        words(text, |word| {
            spaced.push_str(word);
            spaced.push(' ');
        });
    }
    spaced
}

/// What SQLite looks for: every term.
pub(super) fn fts5(terms: &[Term]) -> String {
    let term = |term: &Term| {
        let prefix = if term.is_prefix { "*" } else { "" };
        format!("\"{}\"{prefix}", term.words.join(" "))
    };
    terms.iter().map(term).collect::<Vec<_>>().join(" AND ")
}

/// What PostgreSQL looks for: every term.
pub(super) fn tsquery(terms: &[Term]) -> String {
    let term = |term: &Term| {
        let words: Vec<String> = term.words.iter().map(|word| format!("'{word}'")).collect();
        let prefix = if term.is_prefix { ":*" } else { "" };
        format!("({}{prefix})", words.join(" <-> "))
    };
    terms.iter().map(term).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::terms;

    #[test]
    fn punctuation_separates_and_case_does_not_matter() {
        assert_eq!(
            spaced(["Ada's e-mail: ADA@x.org, n°7 'ÄÖ\\"]),
            "ada s e mail ada x org n 7 ao "
        );
    }

    #[test]
    fn words_have_places_over_all_texts() {
        assert_eq!(vector(["Buy milk", "now"]), "'buy':1 'milk':2 'now':3 ");
        assert_eq!(vector(["牛乳を", "y"]), "'牛乳':1 '乳を':2 'を':3 'y':4 ");
    }

    #[test]
    fn every_term_is_looked_for() {
        let terms = terms("buy 牛乳を mi");
        assert_eq!(fts5(&terms), r#""buy" AND "牛乳 乳を" AND "mi"*"#);
        assert_eq!(tsquery(&terms), "('buy') & ('牛乳' <-> '乳を') & ('mi':*)");
    }
}
