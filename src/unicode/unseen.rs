//! Characters that nobody sees, and that make two names look alike or a text look like another one. Those stay that a script
//! or an emoji needs.

use icu_properties::CodePointSetData;
use icu_properties::props::ExtendedPictographic;
use std::borrow::Cow;

use super::is_word_part;

/// The text without the characters that nobody sees (UTR #36, UTS #39). A joiner stays after a mark, as in the scripts of
/// India, and between two letters or emojis, except those of Latin, which nothing joins. The letters of a flag stay behind it.
pub fn without_unseen(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.chars().any(|c| is_joiner(c) || is_tag(c) || is_unseen(c)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_flag = false;
    while let Some(c) = rest.next() {
        let stays = if is_joiner(c) {
            joins(kept.chars().next_back(), rest.peek().copied())
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

fn joins(before: Option<char>, after: Option<char>) -> bool {
    let is_joined = |c: char| {
        let is_latin = c < '\u{300}';
        let is_tone = matches!(c, '\u{1f3fb}'..='\u{1f3ff}');
        !is_latin
            && (is_tone || is_word_part(c) || CodePointSetData::new::<ExtendedPictographic>().contains(c))
    };
    let is_mark = |c: char| is_word_part(c) && !c.is_alphanumeric();
    match (before, after) {
        (Some(before), Some(after)) if is_joined(before) && is_joined(after) => true,
        (Some(before), _) => is_mark(before) && !matches!(before, '\u{fe00}'..='\u{fe0f}'),
        (None, _) => false,
    }
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
        ] {
            assert_eq!(without_unseen(given), kept, "{given:?}");
        }
        for whole in [
            "plain",
            "Zoë’s",
            "می\u{200c}خواهم",
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
