//! WebSocket framing (RFC 6455, section 5) in the little that is needed here: whole unmasked frames come in, small
//! ones go out. Does not know what they say. The mask is a key of zeros: valid, and it costs this program nothing.

use crate::trouble::Trouble;

/// A whole text.
pub(crate) const TEXT: u8 = 1;
/// The same, called binary.
pub(crate) const BINARY: u8 = 2;
/// The end of a socket.
pub(crate) const CLOSE: u8 = 8;
/// Wants a pong with the same payload.
pub(crate) const PING: u8 = 9;
/// Answers a ping.
pub(crate) const PONG: u8 = 10;

/// The key of [`ACCEPT`], from RFC 6455, section 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server makes of [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A larger frame is a broken stream.
const FRAME_BYTES: usize = 4 << 20;

/// The frame at the start of some bytes: its opcode, where its payload begins, and where it ends.
fn head(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Trouble> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let is_whole = first & 0xf0 == 0x80 && *first != 0x80;
    if !is_whole || second & 0x80 != 0 {
        return Err(Trouble::Unreadable("a fragment, a compressed or a masked frame"));
    }
    let (begin, length) = match (second, rest) {
        (126, [a, b, ..]) => (4, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [0, 0, 0, 0, a, b, c, d, ..]) => (10, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        (127, [_, _, _, _, _, _, _, _, ..]) => return Err(Trouble::Unreadable("a frame over 4 GiB")),
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(*short)),
    };
    if length > FRAME_BYTES {
        return Err(Trouble::Unreadable("a frame over 4 MiB"));
    }
    Ok(Some((first & 0x0f, begin, begin + length)))
}

/// Hands over the frames that are whole; says how many bytes they were.
pub(crate) fn split(bytes: &[u8], mut on_frame: impl FnMut(u8, &[u8])) -> Result<usize, Trouble> {
    let mut taken = 0;
    while let Some((opcode, begin, end)) = head(&bytes[taken..])? {
        let Some(payload) = bytes.get(taken + begin..taken + end) else {
            break;
        };
        on_frame(opcode, payload);
        taken += end;
    }
    Ok(taken)
}

/// Appends a frame as a client sends it.
pub(crate) fn encode(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(0x80 + length as u8),
        length @ 126..65_536 => {
            out.push(0x80 + 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(0x80 + 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_are_whole_are_handed_over() {
        let mut bytes = vec![0x81, 2, b'h', b'i', 0x81, 126, 0, 200];
        bytes.extend_from_slice(&[b'x'; 200]);
        bytes.extend_from_slice(&[0x89, 3, b'a']);
        let mut seen = Vec::new();
        let taken = split(&bytes, |opcode, payload| seen.push((opcode, payload.len())));
        assert_eq!(taken.ok(), Some(bytes.len() - 3));
        assert_eq!(seen, [(TEXT, 2), (TEXT, 200)]);
    }

    #[test]
    fn a_frame_is_masked_and_has_its_length() {
        for (length, head) in [(5, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let mut out = Vec::new();
            encode(&mut out, TEXT, &vec![b'x'; length]);
            assert_eq!(out.len(), head + length);
        }
    }
}
