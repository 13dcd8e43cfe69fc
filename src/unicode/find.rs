//! Where the words of a search are in a text, as a reader sees it, and how good a match that is. `words` says what the words
//! of a text are; this splits the same way, and knows in addition where in the text each of them stands.

use super::fold::searchable;
use super::form::is_word_part;
use super::words::{Term, clipped, emoji, is_emoji, is_mark, is_written_unspaced};
use unicode_segmentation::UnicodeSegmentation;

/// What a search found in a text. Places are counted in Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of the term that was found.
    pub term: usize,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Whether it is a whole word, not only the beginning of one.
    pub is_whole: bool,
}

/// What a search found in a text, in the order of the text. A prefix is found as the part of a word that it is; what stands
/// for several letters (`ß`, `ﬁ`, an emoji of several characters) is found whole.
pub fn find(text: &str, terms: &[Term]) -> Vec<Found> {
    if text.is_ascii() {
        return find_ascii(text, terms);
    }
    let texts: Vec<String> = terms.iter().map(Term::text).collect();
    let mut found = Vec::new();
    for piece in pieces(text) {
        for (term, (wanted, text)) in terms.iter().zip(&texts).enumerate() {
            piece.find(term, wanted, text, &mut found);
        }
    }
    found.sort_by_key(|found| (found.start, found.end));
    found
}

/// Compares without making anything: most texts that are compared are short and in ASCII.
fn find_ascii(text: &str, terms: &[Term]) -> Vec<Found> {
    let mut found = Vec::new();
    let mut start = 0;
    for part in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let word = clipped(part);
        for (term, wanted) in terms.iter().enumerate().filter(|(_, term)| !term.is_part) {
            let Some(wanted_word) = wanted.words.first() else {
                continue;
            };
            let begins = word
                .get(..wanted_word.len())
                .is_some_and(|begin| !begin.is_empty() && begin.eq_ignore_ascii_case(wanted_word));
            let is_whole = word.len() == wanted_word.len();
            if begins && (is_whole || wanted.is_prefix) {
                let end = start + if is_whole { part.len() } else { wanted_word.len() };
                found.push(Found {
                    term,
                    start,
                    end,
                    is_whole,
                });
            }
        }
        start += part.len() + 1;
    }
    found
}

/// How good a match a thing is whose texts are `fields`, the more important ones first: the lower, the better. A term counts
/// where it is found best: in the more important field, then as a whole word, then near the beginning. A text that has
/// nothing else is better. `None` if a term is not found at all.
pub fn score<'t>(terms: &[Term], fields: impl IntoIterator<Item = (i64, &'t str)>) -> Option<i64> {
    /// Places beyond this one are equal.
    const LAST: i64 = 1 << 12;
    let mut best = vec![None; terms.len()];
    let mut has_more = 1;
    for (rank, text) in fields {
        // what an earlier field has is no better in a later one
        if best.iter().all(Option::is_some) {
            break;
        }
        let all = find(text, terms);
        let length: usize = all.iter().map(|found| found.end - found.start + 1).sum();
        if !all.is_empty() && text.chars().nth(length).is_none() {
            has_more = 0;
        }
        for found in all {
            let kind = rank * 2 + i64::from(!found.is_whole);
            let value = kind * LAST + (found.start as i64).min(LAST - 1);
            let best: &mut Option<i64> = &mut best[found.term];
            *best = Some(best.map_or(value, |other| other.min(value)));
        }
    }
    let best = best.into_iter().collect::<Option<Vec<i64>>>()?;
    let kinds: i64 = best.iter().map(|value| value / LAST).sum();
    let places: i64 = best.iter().map(|value| value % LAST).sum();
    Some((2 * kinds + has_more) * (LAST * LAST) + places.min(LAST * LAST - 1))
}

/// A part of a text that no separator divides: folded, and where each of its characters comes from.
#[derive(Default)]
struct Piece {
    text: String,
    /// For each character of the folded text, the place in the original text.
    places: Vec<(usize, usize)>,
    is_unspaced: Option<bool>,
}

impl Piece {
    fn push(&mut self, c: char, place: (usize, usize)) {
        self.text.push(c);
        self.places.push(place);
    }

    fn found(&self, term: usize, first: usize, count: usize, is_whole: bool) -> Option<Found> {
        let (start, _) = self.places.get(first)?;
        let (_, end) = self.places.get(first + count.checked_sub(1)?)?;
        Some(Found {
            term,
            start: *start,
            end: *end,
            is_whole,
        })
    }

    fn find(&self, term: usize, wanted: &Term, text: &str, found: &mut Vec<Found>) {
        let is_unspaced = self.is_unspaced.unwrap_or(false);
        let length = text.chars().count();
        // a mark alone may be the beginning of a pair
        let is_of_a_pair = is_unspaced && wanted.is_prefix && length <= 2;
        if (wanted.is_part != is_unspaced && !is_of_a_pair) || text.is_empty() {
            return;
        }
        if !is_unspaced {
            let word = clipped(&self.text);
            let is_whole = word == text;
            if is_whole || (wanted.is_prefix && word.starts_with(text)) {
                let length = if is_whole { self.places.len() } else { length };
                found.extend(self.found(term, 0, length, is_whole));
            }
            return;
        }
        let (mut chars, mut bytes) = (0, 0);
        for (at, _) in self.text.match_indices(text) {
            chars += self.text[bytes..at].chars().count();
            bytes = at;
            found.extend(self.found(term, chars, length, true));
        }
    }
}

/// The parts of a text. Each cluster of characters is folded by itself: folding joins no characters of different clusters.
fn pieces(text: &str) -> Vec<Piece> {
    let (mut pieces, mut piece, mut at) = (Vec::new(), Piece::default(), 0);
    for cluster in text.graphemes(true) {
        let place = (at, at + cluster.chars().count());
        at = place.1;
        let mut rest = cluster;
        while let Some(start) = rest.find(is_emoji) {
            let (before, from) = rest.split_at(start);
            continued(before, place, &mut piece, &mut pieces);
            end(&mut piece, &mut pieces);
            let length = emoji(from);
            from[..length].chars().for_each(|c| piece.push(c, place));
            end(&mut piece, &mut pieces);
            rest = &from[length..];
        }
        continued(rest, place, &mut piece, &mut pieces);
    }
    end(&mut piece, &mut pieces);
    pieces
}

fn continued(cluster: &str, place: (usize, usize), piece: &mut Piece, pieces: &mut Vec<Piece>) {
    if let Some(c) = plain(cluster) {
        return letter(c.to_ascii_lowercase(), place, piece, pieces);
    }
    for c in searchable(cluster).chars() {
        letter(c, place, piece, pieces);
    }
}

/// The only character of a cluster, if it is in ASCII, or another that folding does not change.
fn plain(cluster: &str) -> Option<char> {
    let mut chars = cluster.chars();
    let first = chars.next().filter(|c| c.is_ascii() || is_folded(*c))?;
    chars.next().is_none().then_some(first)
}

/// Whether a character is one of the most frequent ones of Chinese, Japanese and Korean, which have no case and no accents.
pub(super) fn is_folded(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn letter(c: char, place: (usize, usize), piece: &mut Piece, pieces: &mut Vec<Piece>) {
    if !is_word_part(c) {
        return end(piece, pieces);
    }
    // a mark belongs to the character before it
    let kind = if is_mark(c) { piece.is_unspaced } else { None };
    let kind = kind.unwrap_or_else(|| is_written_unspaced(c));
    if piece.is_unspaced.is_some_and(|before| before != kind) {
        end(piece, pieces);
    }
    piece.is_unspaced = Some(kind);
    piece.push(c, place);
}

fn end(piece: &mut Piece, pieces: &mut Vec<Piece>) {
    let piece = std::mem::take(piece);
    if !piece.text.is_empty() {
        pieces.push(piece);
    }
}
