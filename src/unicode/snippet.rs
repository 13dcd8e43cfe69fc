//! The part of a text to show for a search, with what was found marked.

use super::find::Found;
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation;

/// The characters of the text that a snippet shows.
const LENGTH: usize = 160;
/// The characters before the first thing found.
const BEFORE: usize = 40;
/// A cut moves at most this far to a border between words.
const BORDER: usize = 24;
/// So many of the things found are looked at to choose the part.
const LOOKED_AT: usize = 64;
/// Stands where something is left out.
const LEFT_OUT: &str = "…";

/// A part of a text, with what was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// The text.
    pub text: String,
    /// What was found, in Unicode scalar values of the text: in order, and without overlaps.
    pub marks: Vec<[u32; 2]>,
}

/// The part of a text that shows the most of the terms that were found in it, `found` in the order of the text.
pub fn snippet(text: &str, found: &[Found]) -> Snippet {
    // the borders between characters as a reader sees them; the last one is the end of the text
    let mut borders = vec![Border::default()];
    for cluster in text.graphemes(true) {
        let before = borders.last().copied().unwrap_or_default();
        borders.push(Border {
            byte: before.byte + cluster.len(),
            place: before.place + cluster.chars().count(),
            is_after_space: cluster.chars().all(char::is_whitespace),
        });
    }
    let length = borders.last().map_or(0, |border| border.place);
    let (from, to) = if length <= LENGTH {
        (0, length)
    } else {
        window(&borders, length, best(found))
    };
    let byte = |place: usize| {
        let found = borders.binary_search_by_key(&place, |border| border.place);
        borders
            .get(found.unwrap_or_else(|next| next))
            .map_or(text.len(), |border| border.byte)
    };
    let (before, after) = (from > 0, to < length);
    let shown = text.get(byte(from)..byte(to)).unwrap_or_default();
    let text = [
        if before { LEFT_OUT } else { "" },
        shown,
        if after { LEFT_OUT } else { "" },
    ]
    .concat();
    let marks = marks(found, (from, to), usize::from(before));
    Snippet { text, marks }
}

#[derive(Clone, Copy, Default)]
struct Border {
    byte: usize,
    place: usize,
    is_after_space: bool,
}

/// Where the part begins that has the most terms: the place of the first thing found there.
fn best(found: &[Found]) -> usize {
    let mut best = (0, 0);
    let found = &found[..found.len().min(LOOKED_AT)];
    for (i, first) in found.iter().enumerate() {
        let near = found[i..]
            .iter()
            .take_while(|other| other.end <= first.start + LENGTH - BEFORE);
        let near: Vec<&Found> = near.collect();
        let terms: BTreeSet<usize> = near.iter().map(|found| found.term).collect();
        let whole = near.iter().filter(|found| found.is_whole).map(|found| found.term);
        let whole: BTreeSet<usize> = whole.collect();
        let value = 2 * terms.len() + whole.len();
        if value > best.0 {
            best = (value, first.start);
        }
    }
    best.1
}

/// Where a part begins and ends that shows what is at `place`.
fn window(borders: &[Border], length: usize, place: usize) -> (usize, usize) {
    let wanted = place.saturating_sub(BEFORE).min(length.saturating_sub(LENGTH));
    let from = if wanted == 0 {
        0
    } else {
        let here = borders.partition_point(|border| border.place < wanted);
        let near = borders[here..]
            .iter()
            .take_while(|border| border.place <= place.min(wanted + BORDER));
        let word = near.clone().find(|border| border.is_after_space);
        let next = near.min_by_key(|border| border.place);
        word.or(next)
            .or(borders[..here].last())
            .map_or(0, |border| border.place)
    };
    let last = (from + LENGTH).min(length);
    if last == length {
        return (from, length);
    }
    let here = borders.partition_point(|border| border.place <= last);
    let near = borders[..here]
        .iter()
        .rev()
        .take_while(|border| border.place + BORDER > last);
    let word = near
        .clone()
        .find(|border| border.is_after_space && border.place > place);
    let next = borders[..here]
        .iter()
        .next_back()
        .filter(|border| border.place > from);
    (from, word.or(next).map_or(last, |border| border.place))
}

/// What was found within a part, joined where it touches.
fn marks(found: &[Found], (from, to): (usize, usize), moved: usize) -> Vec<[u32; 2]> {
    let mut marks: Vec<[u32; 2]> = Vec::new();
    for found in found {
        let (start, end) = (found.start.max(from), found.end.min(to));
        if start >= end || found.start < from {
            continue;
        }
        let [start, end] = [start, end].map(|place| (place - from + moved) as u32);
        match marks.last_mut() {
            Some(before) if start <= before[1] => before[1] = before[1].max(end),
            _ => marks.push([start, end]),
        }
    }
    marks
}
