//! The terminal: notes beside a command's result, and text and JSON without characters that a terminal acts on.

use serde::Serialize;
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{IsTerminal as _, Write as _, stdout},
};
use taskwire_client::terminal::is_active;
pub(crate) use taskwire_client::terminal::plain;

/// Prints a line on standard error, beside the result. The line may quote others, so it is printed as plain text. If
/// standard error is closed, the command continues.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", plain(text));
}

/// A terminal of which the width is not known.
const WIDTH: usize = 80;

/// The columns of the terminal that standard output is; `None` if it is none.
pub(crate) fn width() -> Option<usize> {
    stdout().is_terminal().then(columns)
}

/// The columns of the terminal, or as many as `COLUMNS` says (POSIX).
pub(crate) fn columns() -> usize {
    let told = std::env::var("COLUMNS").ok();
    let told = told
        .and_then(|columns| columns.parse().ok())
        .filter(|columns| *columns > 0);
    told.or_else(|| {
        let (columns, _) = crossterm::terminal::size().ok()?;
        Some(usize::from(columns)).filter(|columns| *columns > 0)
    })
    .unwrap_or(WIDTH)
}

/// The value as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|json| escaped(&json, ' '))
}

/// A frame of the server on one line.
pub(crate) fn frame(text: &str) -> String {
    escaped(text, ' ')
}

/// The value as JSON for people.
pub(crate) fn pretty_json(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|json| escaped(&json, '\n'))
}

/// The same JSON with `\u` escapes for characters that a terminal acts on. `serde_json` escapes only those that JSON does
/// not allow in strings. A raw line break or tab stands between two tokens, so it may become any white space.
fn escaped(json: &str, line_break: char) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\n' => text.push(line_break),
            '\r' | '\t' => text.push(' '),
            c if is_active(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(text, "\\u{unit:04x}"); // writing to a string cannot fail
                }
            }
            c => text.push(c),
        }
    }
    text
}

/// Several lines with the line breaks kept: for the usage errors of the command line, which quote its arguments.
pub(crate) fn plain_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_active(c) && c != '\n') {
        return text.into();
    }
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_control_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d"
        );
    }

    /// Over all of Unicode: what is printed contains no active character, and means the same.
    #[test]
    fn json_has_no_active_character_and_stays_the_same_value() -> serde_json::Result<()> {
        let all: String = ('\0'..=char::MAX).collect();
        for json in [json(&all)?, pretty_json(&[&all])?] {
            assert!(!json.contains(|c| is_active(c) && c != '\n'));
        }
        assert_eq!(serde_json::from_str::<String>(&json(&all)?)?, all);
        assert_eq!(json(&"\u{9b}\u{7f}\u{202e}é")?, r#""\u009b\u007f\u202eé""#);
        Ok(())
    }

    #[test]
    fn raw_json_of_the_server_is_escaped_too() -> serde_json::Result<()> {
        let raw: Box<serde_json::value::RawValue> = serde_json::from_str("{\r\n\"a\":\t\"\u{9b}31m\"}")?;
        assert_eq!(json(&raw)?, r#"{  "a": "\u009b31m"}"#);
        Ok(())
    }
}
