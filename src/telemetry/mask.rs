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
/// A signed token begins with the first, a refresh token with the third, an API token and the secret of a calendar feed with
/// the next two. A token follows the second in a header; user and password follow the last in a URL.
const MARKS: [&str; 6] = ["eyJ", "earer ", "rt_", "tw_pat_", "tw_cal_", "://"];
/// These tokens are longer than any name that begins like them.
const LONG: usize = 40;

/// Masks signed tokens, the text after `Bearer`, refresh and API tokens, secrets of calendar feeds, and user and password in
/// URLs.
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
    if ["rt_", "tw_pat_", "tw_cal_"]
        .iter()
        .any(|mark| text.starts_with(mark))
    {
        let length = run(text, "\"'\\,;:()[]{}<>&?./");
        return (length >= LONG).then_some((0, length));
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
        let feed = format!("tw_cal_{}", "Ab3".repeat(15));
        for (line, kept) in [
            ("a eyJhbGciOi.eyJzdWIi.c2ln b", "a *** b"),
            ("authorization: Bearer abc.def", "authorization: Bearer ***"),
            ("postgres://ada:pa@ss@db/tasks", "postgres://***@db/tasks"),
            (
                &*format!("{{\"refresh_token\":\"{refresh}\"}}"),
                "{\"refresh_token\":\"***\"}",
            ),
            (
                &*format!("GET https://tasks.example/v1/calendar/{feed}.ics?as=events"),
                "GET https://tasks.example/v1/calendar/***.ics?as=events",
            ),
            (&*format!("a {} b", feed.replace("cal", "pat")), "a *** b"),
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
            "tw_cal_ begins a secret",
            "grüße ://",
        ] {
            assert_eq!(mask_credentials(line), line);
        }
    }
}
