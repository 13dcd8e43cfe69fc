//! WebSocket framing (RFC 6455, section 5), as far as a load harness needs it: it reads whole frames and writes small
//! ones. It does not copy a frame that arrives whole, and does not know what is in the frames.
//!
//! The mask is always a key of zeros. This is valid framing and costs the sender nothing. A server still unmasks.
//!
//! This module is public so that other tests can send and read raw frames:
//!
//! ```
//! use loadtest::websocket::{Inbox, TEXT, client_frame};
//!
//! let mut bytes = Vec::new();
//! client_frame(&mut bytes, TEXT, b"hello");
//! let (first, rest) = bytes.split_at(4);
//! let mut inbox = Inbox::default();
//! inbox.take(first, |_, _| panic!("the frame is not whole yet"))?;
//! inbox.take(rest, |opcode, payload| assert_eq!((opcode, payload), (TEXT, &b"hello"[..])))?;
//! # Ok::<(), loadtest::websocket::Unreadable>(())
//! ```

/// A whole text message.
pub const TEXT: u8 = 1;
/// A whole binary message.
pub const BINARY: u8 = 2;
/// The end of a socket, with a code.
pub const CLOSE: u8 = 8;
/// Asks for a pong with the same payload.
pub const PING: u8 = 9;
/// Answers a ping.
pub const PONG: u8 = 10;

/// The `Sec-WebSocket-Key` to which a server answers [`UPGRADE_ACCEPT`], from RFC 6455, section 1.3.
pub const UPGRADE_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// The `Sec-WebSocket-Accept` that a server computes from [`UPGRADE_KEY`].
pub const UPGRADE_ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A larger payload means that the stream is broken.
const FRAME_BYTES: usize = 16 << 20;

/// The head of a frame, before its payload.
struct Head {
    opcode: u8,
    /// Bytes of the head itself, the mask included.
    length: usize,
    payload: usize,
}

/// Why bytes that arrived cannot be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("cannot read what arrived: {0}")]
pub struct Unreadable(pub &'static str);

/// The head at the start of `bytes`; `None` while it is incomplete.
fn head(bytes: &[u8]) -> Result<Option<Head>, Unreadable> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = first & 0x0f;
    if first & 0x80 == 0 || opcode == 0 {
        return Err(Unreadable("a fragment of a WebSocket message"));
    }
    if first & 0x70 != 0 {
        return Err(Unreadable("a WebSocket frame with a reserved bit"));
    }
    let (extended, payload) = match (second & 0x7f, rest) {
        (126, [a, b, ..]) => (2, usize::from(u16::from_be_bytes([*a, *b]))),
        (127, [0, 0, 0, 0, a, b, c, d, ..]) => (8, u32::from_be_bytes([*a, *b, *c, *d]) as usize),
        (127, [_, _, _, _, _, _, _, _, ..]) => return Err(Unreadable("a WebSocket frame over 4 GiB")),
        (126 | 127, _) => return Ok(None),
        (short, _) => (0, usize::from(short)),
    };
    if payload > FRAME_BYTES {
        return Err(Unreadable("a WebSocket frame over 16 MiB"));
    }
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    Ok(Some(Head {
        opcode,
        length: 2 + extended + mask,
        payload,
    }))
}

/// Reads frames from chunks of any size. It keeps the start of a frame whose rest has not arrived.
#[derive(Default)]
pub struct Inbox {
    partial: Vec<u8>,
}

impl Inbox {
    /// Calls `on_frame` with the opcode and payload of every frame that `chunk` completes. Fragments, extensions and
    /// frames over 16 MiB are errors. A mask is skipped, not applied: it must be the key of zeros.
    pub fn take(&mut self, mut chunk: &[u8], mut on_frame: impl FnMut(u8, &[u8])) -> Result<(), Unreadable> {
        while !self.partial.is_empty() {
            let missing = match head(&self.partial)? {
                None => 1,
                Some(head) => head.length + head.payload - self.partial.len(),
            };
            let (now, later) = chunk.split_at(missing.min(chunk.len()));
            self.partial.extend_from_slice(now);
            chunk = later;
            if let Some(head) = head(&self.partial)?
                && self.partial.len() == head.length + head.payload
            {
                on_frame(head.opcode, &self.partial[head.length..]);
                // Free the memory, because there are thousands of sockets.
                self.partial = Vec::new();
            } else if now.len() < missing || chunk.is_empty() {
                return Ok(());
            }
        }
        while let Some(head) = head(chunk)? {
            let end = head.length + head.payload;
            if chunk.len() < end {
                break;
            }
            on_frame(head.opcode, &chunk[head.length..end]);
            chunk = &chunk[end..];
        }
        self.partial.extend_from_slice(chunk);
        Ok(())
    }
}

/// The code of a close frame's payload; 1005 when it has none.
pub fn close_code(payload: &[u8]) -> u16 {
    let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
    code.unwrap_or(1005)
}

/// Appends a frame as a client sends it, masked with zeros.
pub fn client_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    frame(out, opcode, 0x80, payload.len());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends a frame as a server sends it.
pub fn server_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    frame(out, opcode, 0, payload.len());
    out.extend_from_slice(payload);
}

fn frame(out: &mut Vec<u8>, opcode: u8, mask: u8, length: usize) {
    out.push(0x80 | opcode);
    match length {
        0..126 => out.push(mask + length as u8),
        126..65_536 => {
            out.push(mask + 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(mask + 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames with every size of the length field.
    const FRAMES: [(u8, usize); 6] = [
        (TEXT, 0),
        (PING, 5),
        (TEXT, 125),
        (TEXT, 126),
        (TEXT, 700),
        (TEXT, 70_000),
    ];

    /// Writes the frames, reads them in chunks of `size` bytes, and returns what was read.
    fn read_in_chunks(size: usize, mask: bool) -> Vec<(u8, usize)> {
        let mut bytes = Vec::new();
        for (opcode, length) in FRAMES {
            let payload = vec![b'x'; length];
            if mask {
                client_frame(&mut bytes, opcode, &payload);
            } else {
                server_frame(&mut bytes, opcode, &payload);
            }
        }
        let (mut inbox, mut seen) = (Inbox::default(), Vec::new());
        for chunk in bytes.chunks(size) {
            inbox
                .take(chunk, |opcode, payload| {
                    assert!(payload.iter().all(|byte| *byte == b'x'));
                    seen.push((opcode, payload.len()));
                })
                .expect("frames");
        }
        assert!(inbox.partial.is_empty());
        seen
    }

    #[test]
    fn frames_are_read_whole_however_they_arrive() {
        for size in [1, 2, 3, 7, 127, 4096, 1 << 20] {
            assert_eq!(read_in_chunks(size, false), FRAMES, "in chunks of {size}");
            assert_eq!(read_in_chunks(size, true), FRAMES, "masked, in chunks of {size}");
        }
    }

    #[test]
    fn a_frame_has_its_length_and_a_mask() {
        for (length, head) in [(5, 6), (125, 6), (126, 8), (65_535, 8), (65_536, 14)] {
            let mut out = Vec::new();
            client_frame(&mut out, TEXT, &vec![b'x'; length]);
            assert_eq!(out.len(), head + length);
        }
    }

    #[test]
    fn a_close_without_a_code_has_code_1005() {
        assert_eq!((close_code(&[3, 0xf5, b'x']), close_code(&[])), (1013, 1005));
    }

    #[test]
    fn a_fragment_is_refused() {
        let taken = Inbox::default().take(&[0x01, 1, b'x'], |_, _| {});
        assert!(taken.is_err());
    }
}
