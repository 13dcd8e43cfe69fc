//! What is kept of the name that somebody gives a file, and what its first bytes look like. Does not know where files are.

use super::text::is_for_lines;
use crate::unicode::{composed, cut, is_visible, without_unseen};
use std::str;
use taskwire_protocol::limits;

/// How many of a file's first bytes tell its type.
pub const TELLING: usize = 8192;
/// The name of a file whose own name says nothing.
const NAMELESS: &str = "file";
/// The longest ending, with its dot, that stays when a name is shortened.
const ENDING: usize = 16;
/// What is text and has a type of its own, besides those that begin with `text/`.
const OF_TEXT: [&str; 3] = ["application/pdf", "application/postscript", "application/rtf"];

/// The name of a file, as it is stored and shown: in NFC, without the folders before it, and without characters that break
/// lines, turn the text behind them, or that nobody sees. Never empty, and never `.` or `..`.
pub fn name(given: &str) -> String {
    // browsers write these so (WHATWG, section "multipart form data")
    let given = given.replace("%22", "\"").replace("%0D", "").replace("%0A", "");
    let mut parts = given.rsplit(['/', '\\']).map(plain);
    let last = parts.find(|part| !part.is_empty()).unwrap_or_default();
    if last.chars().all(|char| char == '.') || !is_visible(&last) {
        return NAMELESS.to_owned();
    }
    shortened(&last)
}

fn plain(part: &str) -> String {
    let kept: String = part.chars().filter(|char| is_for_lines(*char)).collect();
    composed(without_unseen(&kept).trim()).into_owned()
}

/// Keeps the ending of a name that is too long.
fn shortened(name: &str) -> String {
    if name.chars().count() <= limits::ATTACHMENT_NAME {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.chars().count() <= ENDING {
        ending
    } else {
        ""
    };
    let room = limits::ATTACHMENT_NAME - ending.chars().count();
    format!("{}{ending}", cut(name, room).trim_end())
}

/// The media type of a file that begins with these bytes.
pub fn media_type(first: &[u8]) -> &'static str {
    let found = infer::get(first).map(|kind| kind.mime_type());
    match found {
        // text may begin with the two letters of a picture's type
        Some(kind) if !is_text(first) || kind.starts_with("text/") || OF_TEXT.contains(&kind) => kind,
        _ if is_text(first) => "text/plain",
        _ => "application/octet-stream",
    }
}

/// Whether this can be the beginning of a text: UTF-8 without the control characters that no text has, or marked UTF-16.
fn is_text(first: &[u8]) -> bool {
    if first.starts_with(&[0xff, 0xfe]) || first.starts_with(&[0xfe, 0xff]) {
        return true;
    }
    let first = &first[..first.len().min(TELLING)];
    let text = match str::from_utf8(first) {
        Ok(text) => text,
        // the last character may be cut
        Err(error) if error.error_len().is_none() => {
            str::from_utf8(&first[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let binary = |byte: u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f);
    !text.bytes().any(binary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_place_and_stays_on_its_line() {
        for (given, kept) in [
            ("notes.txt", "notes.txt"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\plan.pdf", "plan.pdf"),
            ("a\r\nSet-Cookie: x=1.txt", "aSet-Cookie: x=1.txt"),
            ("say %22hi%22.txt", "say \"hi\".txt"),
            ("cafe\u{301}.txt", "caf\u{e9}.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("a\u{200b}\u{ad}b.txt", "ab.txt"),
            ("👩\u{200d}💻.txt", "👩\u{200d}💻.txt"),
            ("  b  ", "b"),
            (".bashrc", ".bashrc"),
            ("folder/", "folder"),
            ("\u{0}", NAMELESS),
            ("..", NAMELESS),
            ("../..", NAMELESS),
            ("\u{200b}", NAMELESS),
            ("", NAMELESS),
        ] {
            assert_eq!(name(given), kept, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = name(&format!("{}.tar", "ä".repeat(300)));
        assert!(
            long.chars().count() <= limits::ATTACHMENT_NAME && long.ends_with("ä.tar"),
            "{long}"
        );
        let endless = name(&format!("a.{}", "b".repeat(300)));
        assert_eq!(endless.chars().count(), limits::ATTACHMENT_NAME);
    }

    #[test]
    fn a_type_is_told_by_the_content() {
        for (first, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0", "application/zip"),
            (b"<!DOCTYPE html>", "text/html"),
            (b"BMW or a train?", "text/plain"),
            ("größer".as_bytes(), "text/plain"),
            (&"größer".as_bytes()[..4], "text/plain"),
            (b"", "text/plain"),
            (b"\xff\xfea\0", "text/plain"),
            (b"\x00\x01\x02", "application/octet-stream"),
            (b"a\xffb", "application/octet-stream"),
        ] {
            assert_eq!(media_type(first), expected, "{first:?}");
        }
    }
}
