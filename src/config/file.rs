//! Reads a whole file of settings, or of a secret. Anything may be at a path: a folder that a container engine made, a
//! pipe without a writer, a disk image. Reading never waits, and needs little memory.

use std::fs::{self, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// The largest file that is read, in bytes. Settings and secrets are far smaller.
const MOST: u64 = 1 << 20;

/// Why a file was not read.
pub(super) enum Unread {
    /// There is nothing at the path.
    Missing,
    /// The reason, to follow after "cannot be read: ". It does not quote the file.
    Refused(String),
}

impl Unread {
    /// The reason, for a file that must be there.
    pub(super) fn reason(self) -> String {
        match self {
            Unread::Missing => "there is no such file".to_owned(),
            Unread::Refused(reason) => reason,
        }
    }
}

/// The text of a file, without a byte order mark.
pub(super) fn read(path: &Path) -> Result<String, Unread> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(match path.symlink_metadata() {
                Ok(_) => Unread::Refused("it is a link to a file that is missing".to_owned()),
                Err(_) => Unread::Missing,
            });
        }
        Err(error) => return Err(refused(&error)),
    };
    if let Some(reason) = not_a_file(found.file_type()) {
        return Err(Unread::Refused(reason.to_owned()));
    }
    if found.len() > MOST {
        return Err(too_large(&format!("{} bytes", found.len())));
    }
    let bytes = bytes(path).map_err(|error| refused(&error))?;
    if bytes.len() as u64 > MOST {
        return Err(too_large("more bytes"));
    }
    text(bytes).map_err(Unread::Refused)
}

/// What is wrong with something that is not a file. `/dev/null` hides a file, so devices that end are read.
fn not_a_file(kind: FileType) -> Option<&'static str> {
    if kind.is_dir() {
        Some("it is a folder; a container engine makes one when the source of a mount is missing")
    } else if kind.is_fifo() {
        Some("it is a named pipe; a regular file is needed")
    } else if kind.is_socket() {
        Some("it is a socket; a regular file is needed")
    } else if kind.is_block_device() {
        Some("it is a device; a regular file is needed")
    } else {
        None
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // a pipe that took the file's place meanwhile must not block the start
    options
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let mut bytes = Vec::new();
    options.open(path)?.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn text(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("it is UTF-16 text; save it as UTF-8".to_owned());
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        bytes.drain(..'\u{feff}'.len_utf8());
    }
    String::from_utf8(bytes).map_err(|error| {
        let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        format!("line {} is not UTF-8 text", line_at(read, read.len()))
    })
}

/// The number of the line, from 1, in which a byte stands.
pub(super) fn line_at(text: &[u8], at: usize) -> usize {
    let before = &text[..at.min(text.len())];
    before.split(|byte| *byte == b'\n').count()
}

fn refused(error: &io::Error) -> Unread {
    Unread::Refused(match error.kind() {
        io::ErrorKind::PermissionDenied => {
            format!(
                "{error}; the user that runs taskwire ({}) must be able to read it",
                rustix::process::geteuid().as_raw()
            )
        }
        _ => error.to_string(),
    })
}

fn too_large(size: &str) -> Unread {
    Unread::Refused(format!("it has {size}; at most {MOST} are read"))
}
