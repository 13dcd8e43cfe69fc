//! Characters that nobody sees, and that make two names look alike or a text look like another one. Those stay that a script
//! or an emoji needs.

use icu_properties::props::{ExtendedPictographic, JoiningType, Script};
use icu_properties::{CodePointMapData, CodePointSetData};
use std::borrow::Cow;

use super::is_word_part;

/// The text without the characters that nobody sees (UTR #36, UTS #39). A joiner stays after a mark or a letter, as in the
/// scripts of India and in Arabic, and between two emojis; a non-joiner beside a letter that joins others. Neither stays
/// beside Latin alone, which nothing joins, nor before another one. The letters of a flag stay behind it, and the separator of
/// a vowel in Mongolian between its letters.
pub fn without_unseen(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| is_joiner(c) || is_tag(c) || is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_flag = false;
    while let Some(c) = rest.next() {
        let (before, after) = (kept.chars().next_back(), rest.peek().copied());
        let stays = if is_joiner(c) {
            joins(c, before, after)
        } else if c == '\u{180e}' {
            before.is_some_and(is_mongolian) && after.is_some_and(is_mongolian)
        } else if is_tag(c) {
            in_flag
        } else {
            !is_unseen(c)
        };
        in_flag = c == '\u{1f3f4}' || (in_flag && is_tag(c));
        if stays {
            kept.push(c);
        }
    }
    Cow::Owned(kept)
}

/// The joiner and the non-joiner.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// A letter of a flag's region.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0020}'..='\u{e007f}')
}

/// Hyphens and spaces of no width, signs of what nobody writes, marks of no text.
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'
    )
}

/// A letter of Mongolian.
fn is_mongolian(c: char) -> bool {
    matches!(c, '\u{1820}'..='\u{1842}')
}

/// Whether a joiner or non-joiner does something between these.
fn joins(joiner: char, before: Option<char>, after: Option<char>) -> bool {
    if after.is_some_and(is_joiner) {
        return false; // of several the last one counts
    }
    let is_latin = |c: char| c < '\u{300}' || CodePointMapData::<Script>::new().get(c) == Script::Latin;
    let is_letter = |c: char| !is_latin(c) && c.is_alphabetic();
    let is_joined = |c: char| {
        let is_tone = matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
        !is_latin(c)
            && (is_tone || is_word_part(c) || CodePointSetData::new::<ExtendedPictographic>().contains(c))
    };
    let is_mark = |c: char| is_word_part(c) && !c.is_alphanumeric() && !matches!(c, '\u{fe00}'..='\u{fe0f}');
    if before.is_some_and(is_mark) || (before.is_some_and(is_joined) && after.is_some_and(is_joined)) {
        return true;
    }
    if joiner == '\u{200d}' {
        return before.is_some_and(is_letter);
    }
    before.is_some_and(joins_others) || after.is_some_and(joins_others)
}

/// A letter of a script whose letters join, like Arabic.
fn joins_others(c: char) -> bool {
    let joining = CodePointMapData::<JoiningType>::new().get(c);
    c.is_alphabetic() && !matches!(joining, JoiningType::NonJoining | JoiningType::Transparent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_scripts_and_emojis_need_stays() {
        for (given, kept) in [
            ("ada\u{200b}", "ada"),
            ("a\u{ad}d\u{2060}a\u{feff}", "ada"),
            ("ad\u{200d}a", "ada"),
            ("\u{200d}a\u{200c}", "a"),
            ("a\u{200d}\u{200d}b", "ab"),
            ("a\u{e0061}\u{e0001}", "a"),
            ("é\u{200c}é", "éé"),
            ("é\u{200d}", "é"),
            ("ế\u{200d}", "ế"),
            ("a\u{180e}b", "ab"),
            ("ᠠ\u{180e}", "ᠠ"),
            ("ж\u{200c}", "ж"),
            ("می\u{200c}\u{200c}خ", "می\u{200c}خ"),
            ("ه\u{200d}\u{200d}", "ه\u{200d}"),
        ] {
            assert_eq!(without_unseen(given), kept, "{given:?}");
        }
        for whole in [
            "plain",
            "Zoë’s",
            "می\u{200c}خواهم",
            "می\u{200c}",
            "PDF\u{200c}ها",
            "ه\u{200d}.",
            "ර\u{200d}",
            "ᠬᠠᠷ\u{180e}ᠠ",
            "क्\u{200d}ष",
            "ന്\u{200d} x",
            "👩\u{200d}💻",
            "👩🏽\u{200d}🚀",
            "❤\u{fe0f}\u{200d}🔥",
            "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} x",
            "שלום\u{200f}!",
        ] {
            assert_eq!(without_unseen(whole), whole);
        }
    }
}
