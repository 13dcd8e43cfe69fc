//! The words of full-text search. One function splits and folds what is indexed and what is looked for, so a search finds
//! what its text is a part of.
//!
//! - Letters, digits and the marks on them are words; all else separates them.
//! - Scripts that are written without spaces (Chinese, Japanese, Thai, …) and Korean, whose words take endings, are indexed
//!   by every two neighbouring characters. A search for several characters looks for their pairs in a row, and so finds
//!   them anywhere.
//! - An emoji is a word. A flag is one too.

use super::fold::searchable;
use super::form::is_word_part;
use icu_properties::props::RegionalIndicator;
use icu_properties::props::{ExtendedPictographic, GeneralCategory, GeneralCategoryGroup, LineBreak};
use icu_properties::{CodePointMapData, CodePointSetData};

/// The bytes of a word that count: longer words with the same beginning are equal. PostgreSQL takes 2046 at most.
const LONGEST: usize = 240;

/// What a search looks for: words that stand one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The words.
    pub words: Vec<String>,
    /// Whether the last of them may be only the beginning of a word.
    pub is_prefix: bool,
    /// Whether it is written without spaces, and so may be any part of what is.
    pub is_part: bool,
}

impl Term {
    /// Its characters.
    pub fn text(&self) -> String {
        let mut words = self.words.iter();
        let mut text = words.next().cloned().unwrap_or_default();
        // each pair begins with the character that the one before it ends with
        text.extend(words.filter_map(|word| word.chars().next_back()));
        text
    }
}

/// The words of a text, in their order.
pub fn words(text: &str, mut put: impl FnMut(&str)) {
    if text.is_ascii() {
        let text = searchable(text);
        return parts(&text).for_each(|word| put(clipped(word)));
    }
    for run in runs(text) {
        match run {
            Run::Word(word) => put(clipped(&word)),
            Run::Unspaced(chars) => {
                pairs(&chars).for_each(&mut put);
                // a single character is found as the beginning of a pair; this is for the last one
                put(last(&chars));
            }
        }
    }
}

/// What a search text looks for: all of its words, the last one as a beginning.
pub fn terms(text: &str) -> Vec<Term> {
    let runs = runs(text);
    let count = runs.len();
    let term = |(i, run)| match run {
        Run::Word(word) => Term {
            words: vec![clipped(&word).to_owned()],
            is_prefix: i + 1 == count,
            is_part: false,
        },
        Run::Unspaced(chars) => {
            let found: Vec<String> = pairs(&chars).map(str::to_owned).collect();
            if found.is_empty() {
                Term {
                    words: vec![chars],
                    is_prefix: true,
                    is_part: true,
                }
            } else {
                Term {
                    words: found,
                    is_prefix: false,
                    is_part: true,
                }
            }
        }
    };
    runs.into_iter().enumerate().map(term).collect()
}

/// A part of a text that no separator divides.
enum Run {
    Word(String),
    /// Characters of scripts that are written without spaces.
    Unspaced(String),
}

fn runs(text: &str) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_emoji) {
        let (before, from) = rest.split_at(start);
        of_letters(before, &mut runs);
        let length = emoji(from);
        runs.push(Run::Word(from[..length].to_owned()));
        rest = &from[length..];
    }
    of_letters(rest, &mut runs);
    runs
}

/// The bytes of the emoji that a text begins with.
pub(super) fn emoji(text: &str) -> usize {
    let mut chars = text.chars();
    let first = chars.next().map_or(0, char::len_utf8);
    let is_flag = text.chars().take(2).filter(|c| is_indicator(*c)).count() == 2;
    if is_flag { 2 * first } else { first }
}

/// What stands between separators.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word_part(c)).filter(|part| !part.is_empty())
}

fn of_letters(text: &str, runs: &mut Vec<Run>) {
    let text = searchable(text);
    for part in parts(&text) {
        if part.is_ascii() {
            runs.push(Run::Word(part.to_owned()));
            continue;
        }
        let (mut run, mut is_unspaced) = (String::new(), None);
        for c in part.chars() {
            // a mark belongs to the character before it
            let kind = if is_mark(c) { is_unspaced } else { None };
            let kind = kind.unwrap_or_else(|| is_written_unspaced(c));
            if is_unspaced.is_some_and(|before| before != kind) {
                runs.push(made(std::mem::take(&mut run), !kind));
            }
            run.push(c);
            is_unspaced = Some(kind);
        }
        runs.push(made(run, is_unspaced.unwrap_or(false)));
    }
}

fn made(run: String, is_unspaced: bool) -> Run {
    if is_unspaced {
        Run::Unspaced(run)
    } else {
        Run::Word(run)
    }
}

/// Every two neighbouring characters.
fn pairs(chars: &str) -> impl Iterator<Item = &str> {
    let starts = chars.char_indices();
    let ends = chars.char_indices().skip(2).map(|(end, _)| end);
    // the last pair ends with the text
    let ends = ends.chain(chars.chars().nth(1).map(|_| chars.len()));
    starts.zip(ends).map(|((start, _), end)| &chars[start..end])
}

fn last(chars: &str) -> &str {
    let start = chars.char_indices().next_back().map_or(0, |(start, _)| start);
    &chars[start..]
}

pub(super) fn clipped(word: &str) -> &str {
    &word[..word.floor_char_boundary(LONGEST)]
}

pub(super) fn is_mark(c: char) -> bool {
    GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

pub(super) fn is_emoji(c: char) -> bool {
    !c.is_ascii()
        && !is_word_part(c)
        && (CodePointSetData::new::<ExtendedPictographic>().contains(c) || is_indicator(c))
}

/// Two of these are a flag.
fn is_indicator(c: char) -> bool {
    CodePointSetData::new::<RegionalIndicator>().contains(c)
}

/// Whether lines may break between characters like this one without a space (UAX #14): then words have none between them
/// either. Korean has spaces and is listed for its endings.
pub(super) fn is_written_unspaced(c: char) -> bool {
    matches!(
        CodePointMapData::<LineBreak>::new().get(c),
        LineBreak::Ideographic
            | LineBreak::ConditionalJapaneseStarter
            | LineBreak::Nonstarter
            | LineBreak::ComplexContext
            | LineBreak::Aksara
            | LineBreak::AksaraPrebase
            | LineBreak::AksaraStart
            | LineBreak::H2
            | LineBreak::H3
            | LineBreak::JL
            | LineBreak::JV
            | LineBreak::JT
    )
}
