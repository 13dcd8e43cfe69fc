//! The form in which text is stored, what of it can be seen, and where it may be cut.

use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::props::{
    Alphabetic, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, PrependedConcatenationMark,
    WhiteSpace,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use std::borrow::Cow;
use unicode_segmentation::UnicodeSegmentation;

const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();

/// The text in NFC (UAX #15): `e` and an accent become `é`, as most keyboards write it.
pub fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        Cow::Borrowed(text)
    } else {
        NFC.normalize(text)
    }
}

/// Whether a reader sees anything of the text.
pub fn is_visible(text: &str) -> bool {
    text.chars().any(is_seen)
}

fn is_seen(c: char) -> bool {
    // what no property tells: a pattern of Braille without a dot, a note without a head, a filler, blank hieroglyphs
    let is_blank = matches!(
        c,
        '\u{2800}' | '\u{1d159}' | '\u{16fe4}' | '\u{13441}' | '\u{13442}'
    );
    let is_no_character = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    if c.is_ascii() {
        c.is_ascii_graphic()
    } else {
        !(c.is_control()
            || is_blank
            || is_no_character
            || (category(c) == GeneralCategory::Format && !is_prepended(c))
            || CodePointSetData::new::<WhiteSpace>().contains(c)
            || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
    }
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

/// Signs before numbers, like the Arabic sign of a year. They format what follows, and are seen.
fn is_prepended(c: char) -> bool {
    CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
}

/// Whether a character is part of a word: a letter, a digit or another number, or a mark on one of them.
pub fn is_word_part(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    let category = category(c);
    GeneralCategoryGroup::Number.contains(category)
        || GeneralCategoryGroup::Mark.contains(category)
        || CodePointSetData::new::<Alphabetic>().contains(c)
}

/// The beginning of a text, at most so many characters of it. It ends between two characters as a reader sees them
/// (grapheme clusters, UAX #29), unless a single one is longer than that.
pub fn cut(text: &str, most: usize) -> &str {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text;
    };
    let mut starts = text.grapheme_indices(true).map(|(start, _)| start);
    let whole = starts.by_ref().take_while(|start| *start <= end).last();
    match whole {
        Some(start) if start > 0 => text.get(..start).unwrap_or_default(),
        _ => text.get(..end).unwrap_or_default(),
    }
}
