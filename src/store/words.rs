//! The words of full-text search (`unicode::words`) as each database gets them. Splitting and folding is ours, the same for
//! both: their own parsers differ from each other, and from one version to the next.

use crate::unicode::{Term, words};
use std::cmp::Reverse;
use std::fmt::Write;
use taskwire_protocol::WorkspaceId;

/// The characters of a workspace's tag.
const TAG: usize = 5;
/// Words that are looked up in an index, for all workspaces together. The others are compared with what was found. A text
/// without spaces has as many words as characters, so it is words that are counted.
const LOOKED_UP: usize = 2000;
/// What each indexed word of a workspace begins with. So its words stand together in an index, and a search there does not
/// meet those of others, not even when it looks for all words with a beginning. Two workspaces may have the same tag: a
/// search compares the workspaces of what it finds.
pub(super) fn tag(workspace: WorkspaceId) -> String {
    // the end of the id is random
    let bits = workspace.0.as_u128();
    let digit = |i: usize| char::from(b"abcdefghijklmnopqrstuvwxyz234567"[(bits >> (5 * i)) as usize & 31]);
    (0..TAG).map(digit).collect()
}

/// The highest position of a word that PostgreSQL stores.
const LAST_PLACE: usize = 16_383;

/// The text form of a `tsvector`: each word with its position.
pub(super) fn vector<'a>(workspace: WorkspaceId, texts: impl IntoIterator<Item = &'a str>) -> String {
    let tag = tag(workspace);
    let (mut vector, mut place) = (String::new(), 0);
    for text in texts {
        words(text, |word| {
            place = (place + 1).min(LAST_PLACE);
            let _ = write!(vector, "'{tag}{word}':{place} ");
        });
    }
    vector
}

/// Words with spaces between, as SQLite's index gets them: its tokenizer `ascii` splits them there and nowhere else.
pub(super) fn spaced<'a>(tag: &str, texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut spaced = String::new();
    for text in texts {
        words(text, |word| {
            spaced.push_str(tag);
            spaced.push_str(word);
            spaced.push(' ');
        });
    }
    spaced
}

/// What is looked up in an index.
pub(super) struct Lookup {
    /// The query, in the database's language.
    pub(super) query: String,
    /// Whether it has all terms. Otherwise what it finds has to be compared with the others.
    pub(super) is_whole: bool,
}

/// What SQLite looks for: every term, in one of these workspaces.
pub(super) fn fts5(workspaces: &[WorkspaceId], terms: &[Term]) -> Lookup {
    lookup(workspaces, terms, [" AND ", " OR "], |tag, term| {
        let words: Vec<String> = term.words.iter().map(|word| format!("{tag}{word}")).collect();
        let prefix = if term.is_prefix { "*" } else { "" };
        format!("\"{}\"{prefix}", words.join(" "))
    })
}

/// What PostgreSQL looks for.
pub(super) fn tsquery(workspaces: &[WorkspaceId], terms: &[Term]) -> Lookup {
    lookup(workspaces, terms, [" & ", " | "], |tag, term| {
        let words: Vec<String> = term.words.iter().map(|word| format!("'{tag}{word}'")).collect();
        let prefix = if term.is_prefix { ":*" } else { "" };
        format!("({}{prefix})", words.join(" <-> "))
    })
}

fn lookup(
    workspaces: &[WorkspaceId],
    terms: &[Term],
    [and, or]: [&str; 2],
    text: impl Fn(&str, &Term) -> String,
) -> Lookup {
    let mut tags: Vec<String> = workspaces.iter().map(|id| tag(*id)).collect();
    tags.sort_unstable();
    tags.dedup();
    let (wanted, is_whole) = longest(terms, LOOKED_UP / tags.len().max(1));
    let of = |tag: &String| {
        let each: Vec<String> = wanted.iter().map(|term| text(tag, term)).collect();
        format!("({})", each.join(and))
    };
    let each: Vec<String> = tags.iter().map(of).collect();
    Lookup {
        query: each.join(or),
        is_whole,
    }
}

/// The longest of these terms, which are the rarest, and of them so many words; and whether that is all.
fn longest(terms: &[Term], most_words: usize) -> (Vec<Term>, bool) {
    let mut longest: Vec<&Term> = terms.iter().collect();
    longest.sort_by_key(|term| Reverse((term.words.len(), term.words.first().map(String::len))));
    let (mut room, mut is_whole) = (most_words.max(1), true);
    let mut wanted = Vec::new();
    for term in longest {
        let mut term = term.clone();
        is_whole &= term.words.len() <= room;
        term.words.truncate(room);
        room -= term.words.len();
        if !term.words.is_empty() {
            wanted.push(term);
        }
    }
    (wanted, is_whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unicode::terms;

    /// The tag of this one is `baaaa`.
    const HERE: WorkspaceId = WorkspaceId(uuid::Uuid::from_u128(1));

    #[test]
    fn punctuation_separates_and_case_does_not_matter() {
        assert_eq!(
            spaced("", ["Ada's e-mail: ADA@x.org, n°7 'ÄÖ\\"]),
            "ada s e mail ada x org n 7 ao "
        );
        assert_eq!(spaced(&tag(HERE), ["Buy milk"]), "baaaabuy baaaamilk ");
    }

    #[test]
    fn words_have_places_over_all_texts() {
        assert_eq!(
            vector(HERE, ["Buy milk", "now"]),
            "'baaaabuy':1 'baaaamilk':2 'baaaanow':3 "
        );
        assert_eq!(
            vector(HERE, ["牛乳を", "y"]),
            "'baaaa牛乳':1 'baaaa乳を':2 'baaaaを':3 'baaaay':4 "
        );
    }

    #[test]
    fn every_term_is_looked_for() {
        let terms = terms("buy 牛乳を mi");
        let there = WorkspaceId(uuid::Uuid::from_u128(2));
        let here = r#"("baaaa牛乳 baaaa乳を" AND "baaaabuy" AND "baaaami"*)"#;
        assert_eq!(fts5(&[HERE], &terms).query, here);
        let both = format!("{here} OR {}", here.replace("baaaa", "caaaa"));
        assert_eq!(fts5(&[there, HERE], &terms).query, both);
        assert_eq!(
            tsquery(&[HERE], &terms).query,
            "(('baaaa牛乳' <-> 'baaaa乳を') & ('baaaabuy') & ('baaaami':*))"
        );
    }

    #[test]
    fn many_workspaces_share_the_terms_that_are_looked_up() {
        let (few, many) = (terms("buy milk"), terms("a b c d e f g h i j k l m n o p"));
        let places: Vec<WorkspaceId> = (0..500).map(|i| WorkspaceId(uuid::Uuid::from_u128(i))).collect();
        assert!(tsquery(&places, &few).is_whole);
        assert!(tsquery(&[HERE], &many).is_whole);
        let found = tsquery(&places, &many);
        assert!(!found.is_whole && found.query.matches('\'').count() == 2 * 2000);
        // a text without spaces is one term, and has as many words as characters
        let long = terms(&"明日牛乳を買う".repeat(28));
        assert!(long.len() == 1 && tsquery(&[HERE], &long).is_whole);
        let found = tsquery(&places, &long);
        assert!(!found.is_whole && found.query.matches('\'').count() <= 2 * 2000);
    }
}
