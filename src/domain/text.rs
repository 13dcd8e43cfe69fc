//! Text from people: trimmed, in NFC, counted in Unicode scalar values, without U+0000 (PostgreSQL refuses it). A name and a
//! title can be seen, and have no control characters, no changes of direction and nothing invisible: a name is refused for the
//! first two, a title loses them.

use super::Result;
use crate::unicode::{composed, is_visible, without_unseen};
use taskwire_protocol::Failure;

/// Trims a text, brings it into the form in which text is stored, and checks its length.
pub fn checked(field: &str, text: &str, min: usize, max: usize) -> Result<String> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(Failure::invalid(
            field,
            format!("{field} must not contain U+0000"),
        ));
    }
    // a composed character comes from at most nine bytes: a text that is far too long need not be composed
    if text.len() / 12 > max {
        return Err(Failure::invalid(field, bounds(field, min, max)));
    }
    let text = composed(text);
    // a text has no more characters than bytes, so most texts need no counting
    let length = if text.len() <= max && min <= 1 {
        text.len().min(max)
    } else {
        text.chars().count()
    };
    if length < min || length > max {
        return Err(Failure::invalid(field, bounds(field, min, max)));
    }
    Ok(text.into_owned())
}

fn bounds(field: &str, min: usize, max: usize) -> String {
    match min {
        0 => format!("{field} must be at most {max} characters"),
        _ => format!("{field} must be {min} to {max} characters"),
    }
}

/// Trims and checks an optional text. An empty one becomes `None`.
pub fn optional(field: &str, text: Option<String>, max: usize) -> Result<Option<String>> {
    let Some(text) = text else { return Ok(None) };
    Ok(Some(checked(field, &text, 0, max)?).filter(|text| !text.is_empty()))
}

/// A color as `#rrggbb`, with small letters.
pub fn color(field: &str, text: &str) -> Result<String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::invalid(field, "a color must be written as #rrggbb"));
    }
    Ok(text.to_ascii_lowercase())
}

/// A text of which a reader sees something, like a title.
pub fn visible(field: &str, text: &str, min: usize, max: usize) -> Result<String> {
    let text = checked(field, text, min, max)?;
    if is_visible(&text) {
        return Ok(text);
    }
    let message = format!("{field} must have a character that can be seen");
    Err(Failure::invalid(field, message))
}

/// A text of one line of which a reader sees everything. Line breaks and tabs become spaces; other control characters,
/// changes of direction and what nobody sees are left out. It is not refused for them: people paste titles.
pub fn title(field: &str, text: &str, min: usize, max: usize) -> Result<String> {
    if is_plain(text) {
        return visible(field, text, min, max);
    }
    if text.contains('\0') {
        return checked(field, text, min, max);
    }
    let text = without_unseen(text);
    if !text.contains(|c| !is_for_lines(c)) {
        return visible(field, &text, min, max);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_for_lines(c) {
            line.push(c);
        } else if c.is_whitespace() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
    visible(field, &line, min, max)
}

/// A name, of a person, a workspace, a tag, a device. It is shown within lines of other text. What nobody sees is left out.
pub fn name(field: &str, text: &str, min: usize, max: usize) -> Result<String> {
    let given = text.trim();
    if is_plain(given) {
        return visible(field, given, min, max);
    }
    let text = visible(field, &without_unseen(given), min, max)?;
    if given.contains(breaks_lines) || given.contains(turns_text) {
        let message = format!(
            "{field} must not contain control characters, such as tabs, line breaks and changes of direction"
        );
        return Err(Failure::invalid(field, message));
    }
    Ok(text)
}

/// Whether nothing of a text needs a closer look to stand in a line. Almost every title is so, and its bytes tell: control
/// characters, and the first bytes of all characters that turn text, break lines or are not seen.
fn is_plain(text: &str) -> bool {
    let is_suspect = |byte| matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3);
    !text.bytes().any(is_suspect)
}

/// Whether a character may stand in a name that is shown within lines of other text.
pub(super) fn is_for_lines(c: char) -> bool {
    !breaks_lines(c) && !turns_text(c)
}

/// A text as a part of one line: each run of line breaks and other characters that no name may have is a space.
pub fn one_line(text: &str) -> String {
    let parts = text.split(|c| !is_for_lines(c)).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

/// Control characters, and the two separators that break lines as they do.
fn breaks_lines(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Marks that change the direction of the text behind them, and the invisible mark of byte order (Unicode TR 36, 3.3).
fn turns_text(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// An optional name; an empty one is none.
pub fn optional_name(field: &str, text: Option<String>, max: usize) -> Result<Option<String>> {
    let given = text.filter(|text| !text.trim().is_empty());
    given.map(|text| name(field, &text, 1, max)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_color_is_written_with_six_digits() {
        assert_eq!(color("color", "#3B82f6").as_deref(), Ok("#3b82f6"));
        for wrong in [
            "", "#", "3b82f6", "#3b82f", "#3b82f67", "#3b82fg", "#3b82é", "red",
        ] {
            let failure = color("color", wrong).expect_err(wrong);
            assert_eq!(failure.field.as_deref(), Some("color"), "{wrong}");
        }
    }

    #[test]
    fn length_is_counted_in_characters_after_trimming() {
        assert_eq!(checked("title", "  é ", 1, 1).ok().as_deref(), Some("é"));
        assert!(checked("title", "   ", 1, 200).is_err());
        assert!(checked("title", &"é".repeat(200), 1, 200).is_ok());
        assert!(checked("title", &"é".repeat(201), 1, 200).is_err());
        assert!(checked("title", "a\0b", 1, 200).is_err());
    }

    #[test]
    fn accents_are_composed_before_they_are_counted() {
        assert_eq!(checked("title", "e\u{301}", 1, 1).ok().as_deref(), Some("é"));
        let most = "a\u{323}\u{302}".repeat(200);
        assert_eq!(checked("title", &most, 1, 200).ok(), Some("ậ".repeat(200)));
        assert!(checked("title", &format!("{most}x"), 1, 200).is_err());
        assert!(checked("title", &"a".repeat(10_000), 1, 200).is_err());
    }

    #[test]
    fn whatever_ends_a_line_becomes_a_space() {
        for end in [
            "\r\n", "\n", "\r", "\0", "\t", "\u{85}", "\u{2028}", "\u{2029}", "\u{202e}", "\n\r\n\0",
        ] {
            assert_eq!(one_line(&format!("{end}a{end}b{end}")), "a b", "{end:?}");
        }
        assert_eq!(one_line("Zoë’s  bill"), "Zoë’s  bill");
        assert_eq!(one_line("\n"), "");
    }

    #[test]
    fn a_title_is_one_line_of_which_everything_is_seen() {
        for (given, kept) in [
            ("two\nlines", "two lines"),
            ("a\r\n\tb", "a b"),
            ("red\u{1b}[31m", "red[31m"),
            ("invoice\u{202e}fdp", "invoicefdp"),
            ("a\u{200b}\u{feff}b\u{2066}", "ab"),
            ("\u{85}a\u{2028}b\u{2029}", "a b"),
            ("می\u{200c}خواهم 👩\u{200d}💻", "می\u{200c}خواهم 👩\u{200d}💻"),
        ] {
            assert_eq!(title("title", given, 1, 200).as_deref(), Ok(kept), "{given:?}");
        }
        for bad in ["\u{200b}", "\n\u{202e}", "\u{1b}", "a\0b", ""] {
            assert!(title("title", bad, 1, 200).is_err(), "{bad:?}");
        }
        let is_changed = |c: &char| !is_for_lines(*c) || without_unseen(&c.to_string()).is_empty();
        for c in (char::MIN..=char::MAX).filter(|c| *c != '\0' && is_changed(c)) {
            assert!(!is_plain(&c.to_string()), "{c:?}");
            let kept = title("title", &format!("a{c}b"), 1, 200).unwrap_or_else(|_| panic!("{c:?}"));
            assert!(kept.chars().all(is_for_lines), "{c:?}: {kept:?}");
            assert_eq!(
                title("title", &kept, 1, 200).as_deref(),
                Ok(&*kept),
                "{c:?}: it is done once"
            );
        }
        assert_eq!(name("name", "ada\u{200b}", 1, 100).as_deref(), Ok("ada"));
        assert!(
            name("name", "a\u{200b}", 2, 100).is_err(),
            "what nobody sees does not count"
        );
    }

    #[test]
    fn a_name_can_be_seen_and_has_no_control_characters() {
        for bad in [
            "\u{200b}\u{feff}",
            "\u{3164}\u{3164}",
            "a\u{1b}[31m",
            "a\tb",
            "a\nb",
            "a\u{85}b",
            "a\u{2028}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{feff}b",
        ] {
            assert!(name("name", bad, 1, 100).is_err(), "{bad:?}");
            assert!(optional_name("name", Some(bad.into()), 100).is_err(), "{bad:?}");
        }
        for good in ["a", "👩\u{200d}💻", "שלום\u{200f}!", "می\u{200c}خواهم", "-"] {
            assert_eq!(name("name", good, 1, 100).ok().as_deref(), Some(good));
        }
        assert_eq!(optional_name("name", Some(" ".into()), 100).ok(), Some(None));
        assert!(visible("body", "two\nlines", 1, 200).is_ok());
        assert!(visible("title", "\u{2800}\u{200d}", 1, 200).is_err());
    }
}
