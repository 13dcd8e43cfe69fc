//! The header `Content-Disposition` of a file that is saved, not shown (RFC 6266): its name for every client, and exactly
//! (RFC 8187) for those that read it.

use std::fmt::Write as _;

use axum::http::HeaderValue;

/// The header for a file with this name.
pub(super) fn saved_as(name: &str) -> HeaderValue {
    let mut text = format!("attachment; filename=\"{}\"", simple(name));
    if simple(name) != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// The name with `_` for each character that some client reads differently (RFC 6266, appendix D).
fn simple(name: &str) -> String {
    let is_safe = |char: char| (char.is_ascii_graphic() || char == ' ') && !"\"\\%/".contains(char);
    name.chars()
        .map(|char| if is_safe(char) { char } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_exact_and_adds_no_header() {
        for (name, expected) in [
            ("a b.txt", "attachment; filename=\"a b.txt\""),
            (
                "ä\".txt",
                "attachment; filename=\"__.txt\"; filename*=UTF-8''%C3%A4%22.txt",
            ),
            (
                "a\r\nX: y",
                "attachment; filename=\"a__X: y\"; filename*=UTF-8''a%0D%0AX%3A%20y",
            ),
            (
                "100%25.txt",
                "attachment; filename=\"100_25.txt\"; filename*=UTF-8''100%2525.txt",
            ),
        ] {
            assert_eq!(saved_as(name), expected, "{name}");
        }
    }
}
