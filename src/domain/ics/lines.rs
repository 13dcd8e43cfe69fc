//! The lines of a calendar: folded, with values of texts and times. Does not know what they tell.

use chrono::{DateTime, Utc};

/// The bytes of a line, at most (section 3.1).
pub(super) const LINE: usize = 75;

/// A moment (section 3.3.5), of milliseconds.
pub(super) fn moment(at_ms: i64) -> String {
    format(at_ms, "%Y%m%dT%H%M%SZ")
}

/// What a clock on the wall shows, in milliseconds, as if that were UTC.
pub(super) fn local(shown_ms: i64) -> String {
    format(shown_ms, "%Y%m%dT%H%M%S")
}

/// A day, by its midnight of UTC.
pub(super) fn day(at_ms: i64) -> String {
    format(at_ms, "%Y%m%d")
}

fn format(at_ms: i64, pattern: &str) -> String {
    let moment: DateTime<Utc> = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    moment.format(pattern).to_string()
}

/// A text (section 3.3.11). It begins no line of its own: line breaks are written as `\n`, other control characters are
/// left out.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' | ';' | ',' => escaped.extend(['\\', char]),
            '\r' if chars.peek() == Some(&'\n') => {}
            // the last two are line breaks to readers that split lines by Unicode's rules
            '\r' | '\n' | '\u{2028}' | '\u{2029}' => escaped.push_str("\\n"),
            '\t' => escaped.push(char),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// A line, folded into lines of 75 bytes at most. No character is cut.
pub(super) fn put(text: &mut String, name: &str, value: &str) {
    let mut room = LINE;
    for char in name.chars().chain([':']).chain(value.chars()) {
        if char.len_utf8() > room {
            text.push_str("\r\n ");
            room = LINE - 1;
        }
        text.push(char);
        room -= char.len_utf8();
    }
    text.push_str("\r\n");
}
