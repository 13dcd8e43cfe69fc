//! NATS' text protocol, as far as a subscriber and a publisher need it. Does not know what is in a message.

use crate::websocket::Unreadable;
use memchr::memchr;

/// A message or a line from a NATS server.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Said<'a> {
    /// A message that was published.
    Message(&'a [u8]),
    /// A request for a `PONG`.
    Ping,
    /// Any other line: `INFO`, `+OK`, `PONG`, `-ERR`.
    Line(&'a [u8]),
}

/// Passes on every whole message and line. Returns how many bytes they have.
pub(super) fn split(bytes: &[u8], mut on_said: impl FnMut(Said<'_>)) -> Result<usize, Unreadable> {
    let mut taken = 0;
    while let Some(length) = memchr(b'\n', &bytes[taken..]) {
        let line = bytes[taken..taken + length].trim_ascii_end();
        let mut end = taken + length + 1;
        if line.starts_with(b"MSG ") {
            let size = line.rsplit(|byte| *byte == b' ').next();
            let size = size.and_then(|size| std::str::from_utf8(size).ok()?.parse::<usize>().ok());
            let size = size.ok_or(Unreadable("a NATS message without a size"))?;
            let Some(payload) = bytes.get(end..end + size) else {
                break;
            };
            end += size + 2;
            if bytes.len() < end {
                break;
            }
            on_said(Said::Message(payload));
        } else if line == b"PING" {
            on_said(Said::Ping);
        } else {
            on_said(Said::Line(line));
        }
        taken = end;
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_and_lines_are_distinguished_and_incomplete_ones_wait() {
        let bytes = b"INFO {}\r\nMSG tasks 1 5\r\nhello\r\nPING\r\nMSG tasks 1 5\r\nhel";
        let mut seen = Vec::new();
        let taken = split(bytes, |said| {
            seen.push(match said {
                Said::Message(payload) => payload.to_vec(),
                Said::Ping => b"ping".to_vec(),
                Said::Line(line) => line.to_vec(),
            });
        });
        assert_eq!(seen, [b"INFO {}".to_vec(), b"hello".to_vec(), b"ping".to_vec()]);
        assert_eq!(taken.ok(), Some(37));
    }
}
