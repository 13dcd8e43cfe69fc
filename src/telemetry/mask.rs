//! Masks what looks like a credential in a log line. Does not know where lines come from.

use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::fmt::MakeWriter;

/// A second line of defence. The types of secrets prevent that we print them, but errors from libraries may quote URLs
/// and headers.
pub(super) struct Masking<W>(pub(super) W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Masking<W> {
    type Writer = MaskingWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        MaskingWriter(self.0.make_writer())
    }
}

pub(super) struct MaskingWriter<W>(W);

impl<W: Write> Write for MaskingWriter<W> {
    /// `line` is a whole line: the formatter writes each line in one call.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // A line break in a value would let a client forge log lines.
        let text = text.trim_end_matches('\n').replace('\n', "\\n");
        self.0
            .write_all(format!("{}\n", mask_credentials(&text)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

const MASK: &str = "***";
/// A signed token begins with the first, a refresh token with the third. A token follows the second in a header; user and
/// password follow the last in a URL.
const MARKS: [&str; 4] = ["eyJ", "earer ", "rt_", "://"];
/// A refresh token is longer than any name that begins with `rt_`.
const REFRESH_TOKEN: usize = 40;

/// Masks signed tokens, the text after `Bearer`, refresh tokens, and user and password in URLs.
fn mask_credentials(line: &str) -> Cow<'_, str> {
    if !MARKS.iter().any(|mark| line.contains(mark)) {
        return Cow::Borrowed(line);
    }
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (keep, skip) = credential(rest).unwrap_or((first.len_utf8(), 0));
        kept.push_str(&rest[..keep]);
        if skip > 0 {
            kept.push_str(MASK);
        }
        rest = &rest[keep + skip..];
    }
    Cow::Owned(kept)
}

/// If a credential begins here: how many bytes of its introduction are kept, and how many after them are masked.
fn credential(text: &str) -> Option<(usize, usize)> {
    let run = |text: &str, ends: &str| {
        text.find(|letter: char| letter.is_whitespace() || letter.is_control() || ends.contains(letter))
            .unwrap_or(text.len())
    };
    if text.starts_with("eyJ") {
        let length = run(text, "\"'\\,;:()[]{}<>&?");
        return (text[..length].contains('.')).then_some((0, length));
    }
    if text.starts_with("rt_") {
        let length = run(text, "\"'\\,;:()[]{}<>&?");
        return (length >= REFRESH_TOKEN).then_some((0, length));
    }
    if let Some(token) = text
        .strip_prefix("Bearer ")
        .or_else(|| text.strip_prefix("bearer "))
    {
        return Some(("Bearer ".len(), run(token, "\"'\\,;()[]{}<>"))).filter(|(_, length)| *length > 0);
    }
    let place = text.strip_prefix("://")?;
    let user_and_password = place[..run(place, "\"<>")].rfind('@')?;
    Some(("://".len(), user_and_password)).filter(|(_, length)| *length > 0)
}

#[cfg(test)]
mod tests {
    use super::mask_credentials;

    #[test]
    fn every_form_of_a_credential_is_masked() {
        let refresh = format!("rt_{}", "Ab3-_".repeat(12));
        for (line, kept) in [
            ("a eyJhbGciOi.eyJzdWIi.c2ln b", "a *** b"),
            ("authorization: Bearer abc.def", "authorization: Bearer ***"),
            ("postgres://ada:pa@ss@db/tasks", "postgres://***@db/tasks"),
            (
                &*format!("{{\"refresh_token\":\"{refresh}\"}}"),
                "{\"refresh_token\":\"***\"}",
            ),
        ] {
            assert_eq!(mask_credentials(line), kept);
        }
    }

    #[test]
    fn text_without_a_credential_is_unchanged() {
        for line in [
            "listening on http://127.0.0.1:8080",
            "ada@example.com at https://a/b",
            "Bearer ",
            "eyJ",
            "rt_sigaction failed",
            "grüße ://",
        ] {
            assert_eq!(mask_credentials(line), line);
        }
    }
}
