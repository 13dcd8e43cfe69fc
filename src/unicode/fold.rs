//! The forms in which texts are equal.

use super::form::composed;
use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, Script};
use icu_properties::{CodePointMapData, CodePointSetData};

const CASE: CaseMapperBorrowed<'static> = CaseMapper::new();
const NFD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();
const NFKD: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();

/// The form in which names are equal: without case (full case folding), without characters that nobody sees, and however
/// accents were typed. `Home` and `home` are equal, `Café` and `Cafe` are not.
pub fn name_key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    let folded = CASE.fold_string(&NFD.normalize(name)).into_owned();
    let seen: String = folded.chars().filter(|c| !is_ignorable(*c)).collect();
    composed(&seen).into_owned()
}

/// The form in which searches compare text: like that of names, and also without accents and without the difference between
/// forms of a character (`ﬁ`, `①`, `ｋａｎａ`).
pub fn searchable(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let folded = CASE.fold_string(&NFKD.normalize(text)).into_owned();
    // folding makes letters that have a decomposition of their own
    let apart = NFKD.normalize(&folded);
    let kept: String = apart.chars().filter(|c| !is_left_out(*c)).map(dotted).collect();
    composed(&kept).into_owned()
}

/// Turkish has an `i` without a dot. Its capital is `I`, which is folded like every other `I`.
fn dotted(c: char) -> char {
    if c == 'ı' { 'i' } else { c }
}

fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Accents, and the points of Arabic and Hebrew, which most text is written without. Marks of other scripts are vowels and
/// the like; the marks of Japanese make another consonant.
fn is_left_out(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    // a zero width space separates words, where no space is written
    if is_ignorable(c) {
        return c != '\u{200b}';
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    if !GeneralCategoryGroup::Mark.contains(category) || category == GeneralCategory::SpacingMark {
        return false;
    }
    let script = CodePointMapData::<Script>::new().get(c);
    matches!(script, Script::Inherited | Script::Arabic | Script::Hebrew)
        && !matches!(c, '\u{3099}' | '\u{309a}')
}
