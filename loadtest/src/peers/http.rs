//! Reads HTTP/1.1 answers on one connection, for a publisher that pipelines requests.

use crate::websocket::Unreadable;
use memchr::memmem;

/// Passes on the first line of every whole answer. Returns how many bytes these answers have.
pub(super) fn split(bytes: &[u8], mut on_status: impl FnMut(&[u8])) -> Result<usize, Unreadable> {
    let mut taken = 0;
    while let Some(length) = memmem::find(&bytes[taken..], b"\r\n\r\n") {
        let head = &bytes[taken..taken + length];
        let head = std::str::from_utf8(head).map_err(|_| Unreadable("an HTTP head that is not text"))?;
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default();
        let body = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let body = body.ok_or(Unreadable("an HTTP answer without a length"))?;
        let end = taken + length + 4 + body;
        if bytes.len() < end {
            break;
        }
        on_status(status.as_bytes());
        taken = end;
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipelined_answer_counts_when_its_body_has_arrived() {
        let bytes =
            b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nok";
        let mut seen = Vec::new();
        let taken = split(bytes, |status| seen.push(status.to_vec()));
        assert_eq!(seen, [b"HTTP/1.1 201 Created".to_vec()]);
        assert_eq!(taken.ok(), Some(45));
    }
}
