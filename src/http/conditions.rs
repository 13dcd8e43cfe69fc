//! What a client says about the version and the part of a file that it wants (RFC 9110, sections 13 and 14). Knows strong
//! entity tags only.

use std::ops::Range;

use axum::http::HeaderMap;
use axum::http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};

/// Whether the client has the file with this tag.
pub(super) fn knows(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).into_iter();
    let tags = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    tags.map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

/// How much of a file a client wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(Range<u64>),
    /// None that it has.
    Beyond,
}

/// The part of the file with this tag and size that the client wants. Several ranges at once are the whole file, and so is
/// what cannot be read: a server need not know every range.
pub(super) fn part(headers: &HeaderMap, tag: &str, size: u64) -> Part {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // another version, or a date: no file has one
    if text(IF_RANGE).is_some_and(|wanted| wanted.trim() != tag) {
        return Part::Whole;
    }
    let several = headers.get_all(RANGE).iter().nth(1).is_some();
    match text(RANGE).filter(|_| !several) {
        Some(range) => read(range, size).unwrap_or(Part::Whole),
        None => Part::Whole,
    }
}

fn read(range: &str, size: u64) -> Option<Part> {
    let (unit, range) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if !first
        .bytes()
        .chain(last.bytes())
        .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let bytes = match (position(first), position(last)) {
        (Some(first), Some(last)) if last < first => return None,
        (Some(first), last) => first..last.map_or(size, |last| last.saturating_add(1).min(size)),
        (None, Some(last)) => size.saturating_sub(last)..size,
        (None, None) => return None,
    };
    Some(if bytes.is_empty() {
        Part::Beyond
    } else {
        Part::Bytes(bytes)
    })
}

/// A position, if there is one. One of too many digits is behind the end of every file.
fn position(digits: &str) -> Option<u64> {
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn one_range_of_bytes_is_known() {
        let part = |range: &'static str, size| {
            let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_static(range))]);
            part(&headers, "\"a\"", size)
        };
        for (range, expected) in [
            ("bytes=0-0", Part::Bytes(0..1)),
            ("Bytes= 2-4 ", Part::Bytes(2..5)),
            ("bytes=7-", Part::Bytes(7..10)),
            ("bytes=7-99999999999999999999999", Part::Bytes(7..10)),
            ("bytes=-3", Part::Bytes(7..10)),
            ("bytes=-30", Part::Bytes(0..10)),
            ("bytes=10-", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=4-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("lines=1-2", Part::Whole),
            ("bytes", Part::Whole),
        ] {
            assert_eq!(part(range, 10), expected, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Part::Beyond);
        assert_eq!(part("bytes=-1", 0), Part::Beyond);
    }

    #[test]
    fn a_range_of_another_version_is_the_whole_file() {
        for (wanted, expected) in [
            ("\"a\"", Part::Bytes(1..2)),
            ("W/\"a\"", Part::Whole),
            ("\"b\"", Part::Whole),
            ("Sun, 29 Nov 2026 10:00:00 GMT", Part::Whole),
        ] {
            let headers = HeaderMap::from_iter([
                (RANGE, HeaderValue::from_static("bytes=1-1")),
                (IF_RANGE, HeaderValue::from_static(wanted)),
            ]);
            assert_eq!(part(&headers, "\"a\"", 10), expected, "{wanted}");
        }
    }
}
