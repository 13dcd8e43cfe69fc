//! The peer's frames as they pass, only to read the code of a close frame: tungstenite keeps to itself a code that it does
//! not know. Checks nothing; that is tungstenite's.

/// Where in a frame the peer is. Small: each socket has one.
#[derive(Default)]
pub(super) struct Frames {
    /// Bytes of the payload that have not come.
    payload: u32,
    /// The mask of the first two bytes; of a close frame, once they came, its code.
    mask: [u8; 2],
    /// Of a close frame: how many bytes of its code came. Of another frame: [`NO_CLOSE`].
    code: u8,
    /// How many bytes of the frame's header came.
    header: u8,
    /// How many bytes its header has, as far as is known.
    header_bytes: u8,
    /// Nothing more will come.
    pub(super) ended: bool,
}

const NO_CLOSE: u8 = u8::MAX;
/// Bytes of a mask.
const MASK: u8 = 4;

impl Frames {
    /// The code of the close frame that came, if it has one.
    pub(super) fn close_code(&self) -> Option<u16> {
        (self.code == 2).then_some(u16::from_be_bytes(self.mask))
    }

    /// The next bytes of the peer.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((byte, rest)) = bytes.split_first() {
            if self.in_header() {
                self.pass_header(*byte);
                bytes = rest;
            } else if let Some(part) = self.mask.get_mut(usize::from(self.code)) {
                *part ^= byte;
                self.code += 1;
                self.payload -= 1;
                bytes = rest;
            } else {
                let skipped = bytes.len().min(self.payload as usize);
                self.payload -= skipped as u32;
                bytes = &bytes[skipped..];
            }
            if !self.in_header() && self.payload == 0 {
                self.header = 0; // the next frame
            }
        }
    }

    fn in_header(&self) -> bool {
        self.header < 2 || self.header < self.header_bytes
    }

    fn pass_header(&mut self, byte: u8) {
        let mask_at = self.header_bytes.wrapping_sub(MASK);
        match self.header {
            0 => self.code = if byte & 0x0f == 8 { 0 } else { NO_CLOSE },
            1 => {
                let (length, mask) = (byte & 0x7f, if byte & 0x80 == 0 { 0 } else { MASK });
                let extended = match length {
                    126 => 2,
                    127 => 8,
                    _ => 0,
                };
                self.payload = if extended == 0 { u32::from(length) } else { 0 };
                self.header_bytes = 2 + extended + mask;
                self.mask = [0; 2];
            }
            // what is too long for this is refused long before its end
            at if at < mask_at => self.payload = self.payload << 8 | u32::from(byte),
            at => {
                if let Some(part) = self.mask.get_mut(usize::from(at - mask_at)) {
                    *part = byte;
                }
            }
        }
        self.header += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x11, 0x22, 0x33, 0x44];
        let mut bytes = vec![first];
        match payload.len() {
            short @ 0..=125 => bytes.push(0x80 | short as u8),
            long @ 126..=0xffff => {
                bytes.push(0xfe);
                bytes.extend((long as u16).to_be_bytes());
            }
            long => {
                bytes.push(0xff);
                bytes.extend((long as u64).to_be_bytes());
            }
        }
        bytes.extend(mask);
        bytes.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        bytes
    }

    #[test]
    fn the_close_code_is_found_behind_any_frames_however_they_are_cut() {
        for code in [Some(1014_u16), Some(1000), None] {
            let close = code.map_or(Vec::new(), |code| [&code.to_be_bytes()[..], b"why"].concat());
            let all = [
                frame(0x81, b""),
                frame(0x81, &[0x88; 125]),
                frame(0x01, &[0x88; 126]),
                frame(0x80, &vec![0x88; 70_000]),
                frame(0x8a, &[3, 246]),
                frame(0x88, &close),
            ]
            .concat();
            for size in [1, 2, 3, 7, 100, 5000, all.len()] {
                let mut frames = Frames::default();
                for part in all.chunks(size) {
                    frames.pass(part);
                }
                assert_eq!(frames.close_code(), code, "in parts of {size}");
            }
        }
    }

    #[test]
    fn an_unmasked_frame_is_passed_over_too() {
        let mut frames = Frames::default();
        frames.pass(&[0x81, 2, 0x88, 0x88, 0x88, 2, 3, 246]);
        assert_eq!(frames.close_code(), Some(1014));
    }
}
