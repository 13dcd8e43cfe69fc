//! Reads single files out of a ZIP archive in memory (APPNOTE 6.3, without ZIP64 and encryption). What the archive says
//! of sizes is not trusted: unpacking ends at a limit, and only files that are asked for are unpacked.

use super::errors::unreadable;
use flate2::read::DeflateDecoder;
use std::io::Read as _;
use taskwire_protocol::Failure;

/// The most files of an archive.
const FILES: usize = 20_000;
/// The signature, the fields and the comment of the end of an archive.
const END: usize = 22;
const COMMENT: usize = 65_535;
/// What the headers of a file take at least: one before it, and one in the directory.
const HEADERS: usize = 30 + 46;

/// A file of an archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its path.
    pub(super) name: String,
    method: u16,
    is_encrypted: bool,
    packed: usize,
    header: usize,
}

/// Whether a file is a ZIP archive.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// The files of an archive.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, Failure> {
    let broken = || unreadable(None, None, "the archive is broken; export it again");
    let from = bytes.len().saturating_sub(END + COMMENT);
    let end = bytes
        .windows(4)
        .skip(from)
        .rposition(|window| window == b"PK\x05\x06")
        .map(|place| place + from)
        .ok_or_else(broken)?;
    let number = usize::from(u16_at(bytes, end + 10).ok_or_else(broken)?);
    if number > FILES {
        return Err(unreadable(
            None,
            None,
            format!("the archive has more than {FILES} files"),
        ));
    }
    let mut at = u32_at(bytes, end + 16).ok_or_else(broken)? as usize;
    let mut found = Vec::new();
    // Files that share their bytes would be unpacked again and again: what is packed into nothing reaches no other limit.
    let mut left = bytes.len();
    for _ in 0..number {
        let entry = entry(bytes, &mut at).ok_or_else(broken)?;
        left = left.checked_sub(entry.packed + HEADERS).ok_or_else(broken)?;
        found.push(entry);
    }
    Ok(found)
}

/// The entry of the central directory at this place.
fn entry(bytes: &[u8], at: &mut usize) -> Option<Entry> {
    if bytes.get(*at..at.checked_add(4)?)? != b"PK\x01\x02" {
        return None;
    }
    let lengths = [28, 30, 32].map(|field| u16_at(bytes, *at + field).map(usize::from));
    let [Some(name), Some(extra), Some(comment)] = lengths else {
        return None;
    };
    let begin = *at + 46;
    let text = bytes.get(begin..begin.checked_add(name)?)?;
    let entry = Entry {
        name: String::from_utf8_lossy(text).into_owned(),
        is_encrypted: u16_at(bytes, *at + 8)? & 1 == 1,
        method: u16_at(bytes, *at + 10)?,
        packed: u32_at(bytes, *at + 20)? as usize,
        header: u32_at(bytes, *at + 42)? as usize,
    };
    *at = begin + name + extra + comment;
    Some(entry)
}

impl Entry {
    /// The content, if it has no more bytes than `most`.
    pub(super) fn unpack(&self, bytes: &[u8], most: usize) -> Result<Vec<u8>, Failure> {
        let broken = || {
            unreadable(
                None,
                None,
                format!("{} in the archive is broken; export it again", self.name),
            )
        };
        if self.is_encrypted {
            return Err(unreadable(
                None,
                None,
                "the archive has a password; export it without one",
            ));
        }
        let local = self.header;
        if bytes
            .get(local..)
            .is_none_or(|header| !header.starts_with(b"PK\x03\x04"))
        {
            return Err(broken());
        }
        let name = u16_at(bytes, local + 26).ok_or_else(broken)?;
        let extra = u16_at(bytes, local + 28).ok_or_else(broken)?;
        let begin = local + 30 + usize::from(name) + usize::from(extra);
        let end = begin.checked_add(self.packed).ok_or_else(broken)?;
        let packed = bytes.get(begin..end).ok_or_else(broken)?;
        let mut content = Vec::new();
        let limit = most as u64 + 1;
        let read = match self.method {
            0 => packed.take(limit).read_to_end(&mut content),
            8 => DeflateDecoder::new(packed).take(limit).read_to_end(&mut content),
            _ => {
                return Err(unreadable(
                    None,
                    None,
                    "the archive is packed in a way that is not known",
                ));
            }
        };
        read.map_err(|_| broken())?;
        if content.len() > most {
            let message = format!("{} has more than {most} bytes when it is unpacked", self.name);
            return Err(unreadable(None, None, message));
        }
        Ok(content)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(two.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::io::{Cursor, Write as _};
    use zip::write::SimpleFileOptions;

    /// An archive with these files.
    pub(crate) fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content) in files {
            zip.start_file(*name, SimpleFileOptions::default())
                .expect("a file");
            zip.write_all(content).expect("content");
        }
        zip.finish().expect("an archive").into_inner()
    }

    #[test]
    fn files_are_found_and_unpacked() {
        let long = b"abc".repeat(5000);
        let bytes = archive(&[("VERSION", b"1"), ("data.json", &long)]);
        assert!(is_archive(&bytes));
        let entries = entries(&bytes).expect("entries");
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.name).collect();
        assert_eq!(names, ["VERSION", "data.json"]);
        assert_eq!(entries[1].unpack(&bytes, 15_000).expect("content"), long);
        let failure = entries[1].unpack(&bytes, 14_999).expect_err("too large");
        assert!(failure.message.contains("more than 14999 bytes"));
    }

    #[test]
    fn a_bomb_is_unpacked_up_to_the_limit() {
        let bytes = archive(&[("data.json", &vec![b' '; 50_000_000])]);
        assert!(bytes.len() < 100_000);
        let entries = entries(&bytes).expect("entries");
        assert!(entries[0].unpack(&bytes, 1_000_000).is_err());
    }

    #[test]
    fn files_that_share_their_bytes_are_refused() {
        let (one, two) = (archive(&[("a.csv", &[b' '; 500])]), archive(&[]));
        let directory = one.len() - two.len() - 46 - "a.csv".len();
        let mut bytes = one[..directory].to_vec();
        let entry = &one[directory..one.len() - two.len()];
        for _ in 0..40 {
            bytes.extend_from_slice(entry);
        }
        let mut end = one[one.len() - two.len()..].to_vec();
        for place in [8, 10] {
            end[place] = 40;
        }
        bytes.extend_from_slice(&end);
        let failure = entries(&bytes).expect_err("they share their bytes");
        assert!(failure.message.contains("is broken"), "{}", failure.message);
        assert_eq!(entries(&one).expect("one file").len(), 1);
    }

    #[test]
    fn broken_archives_are_refused() {
        let good = archive(&[("a", b"abc")]);
        assert!(entries(b"PK\x03\x04").is_err());
        // without the length of the comment at its end it can be read
        for end in 0..good.len() - 2 {
            if let Ok(entries) = entries(&good[..end]) {
                assert!(
                    entries
                        .iter()
                        .all(|entry| entry.unpack(&good[..end], 100).is_err())
                );
            }
        }
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0xff;
            if let Ok(entries) = entries(&bad) {
                for entry in entries {
                    let _ = entry.unpack(&bad, 100);
                }
            }
        }
    }
}
