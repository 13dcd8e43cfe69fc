//! Where a picture ends in a file. Follows the structure of each format, so that bytes behind the picture are found
//! whatever they are. Does not decode.

use super::Kind;

/// The position behind the picture's last byte; `None` if the file ends before the picture does, or its structure is
/// broken.
pub(super) fn end(kind: Kind, bytes: &[u8]) -> Option<usize> {
    match kind {
        Kind::Jpeg => jpeg(bytes),
        Kind::Png => png(bytes),
        Kind::Gif => gif(bytes),
        Kind::WebP => webp(bytes),
    }
}

/// Segments up to the marker of the end (ITU T.81, annex B). A thumbnail inside of a segment is skipped with it.
fn jpeg(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        // a marker may have any number of fill bytes before it
        while *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        let marker = bytes[at + 1];
        at += 2;
        match marker {
            0xD9 => return Some(at),
            0x01 | 0xD0..=0xD7 => {}
            0x00 | 0xD8 => return None,
            _ => {
                let length = two(bytes, at, u16::from_be_bytes)?;
                if length < 2 {
                    return None;
                }
                at += length;
                if marker == 0xDA {
                    at = end_of_scan(bytes, at)?;
                }
            }
        }
    }
}

/// The first marker in compressed data that is not part of it.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match bytes.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// Chunks up to `IEND` (PNG, section 5).
fn png(bytes: &[u8]) -> Option<usize> {
    let mut at = 8;
    loop {
        let length = usize::try_from(four(bytes, at, u32::from_be_bytes)?).ok()?;
        let name = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if name == b"IEND" {
            return Some(at);
        }
    }
}

/// Blocks up to the trailer (GIF89a).
fn gif(bytes: &[u8]) -> Option<usize> {
    let mut at = 13 + colours(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            0x3B => return Some(at + 1),
            // an extension: its label, then sub-blocks
            0x21 => at = sub_blocks(bytes, at + 2)?,
            // an image: its description, perhaps its colours, the size of its codes, then sub-blocks
            0x2C => {
                let colours = colours(*bytes.get(at + 9)?);
                at = sub_blocks(bytes, at + 10 + colours + 1)?;
            }
            _ => return None,
        }
    }
}

/// The length of a table of colours that these flags announce.
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        return 0;
    }
    3 << ((flags & 7) + 1)
}

fn sub_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}

/// The chunks of the container must fill it exactly (RFC 9649, section 2).
fn webp(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(four(bytes, 4, u32::from_le_bytes)?).ok()?;
    let end = length.checked_add(8)?;
    if end > bytes.len() {
        return None;
    }
    let mut at = 12;
    while at < end {
        let length = usize::try_from(four(bytes, at + 4, u32::from_le_bytes)?).ok()?;
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length & 1)?;
    }
    // some writers do not count the last padding byte
    let padded = at == end + 1 && bytes.get(end) == Some(&0);
    (at == end || padded).then_some(at)
}

fn two(bytes: &[u8], at: usize, read: fn([u8; 2]) -> u16) -> Option<usize> {
    Some(usize::from(read(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn four(bytes: &[u8], at: usize, read: fn([u8; 4]) -> u32) -> Option<u32> {
    Some(read(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
