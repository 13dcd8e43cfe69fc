//! What a crash leaves in the folder: a draft that was not yet moved to its name. It ends with `#` and a number, and no
//! list shows it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Folders below the store's own: names have at most this many parts.
const DEPTH: usize = 8;

/// Removes drafts older than `age`. Returns their number.
pub(super) fn clear(folder: &Path, age: Duration) -> io::Result<usize> {
    below(folder, age, DEPTH)
}

fn below(folder: &Path, age: Duration, depth: usize) -> io::Result<usize> {
    let mut cleared = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(about) = entry.metadata() else {
            continue; // it was removed meanwhile
        };
        if about.is_dir() && depth > 0 {
            // an object in it may be removed at the same time, and the folder with it
            cleared += below(&entry.path(), age, depth - 1).unwrap_or_default();
        } else if about.is_file() && is_draft(&entry.file_name().to_string_lossy()) {
            let old = about.modified()?.elapsed().is_ok_and(|since| since > age);
            cleared += usize::from(old && fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(cleared)
}

fn is_draft(name: &str) -> bool {
    let number = name.rsplit_once('#').map(|(_, number)| number);
    number.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_drafts_are_cleared() {
        let folder = tempfile::tempdir().expect("a folder");
        let inner = folder.path().join("photos").join("a");
        fs::create_dir_all(&inner).expect("folders");
        for name in ["64", "64#1", "64#x", "64#"] {
            fs::write(inner.join(name), b"x").expect("a file");
        }
        assert_eq!(clear(folder.path(), Duration::from_hours(1)).expect("cleared"), 0);
        assert_eq!(clear(folder.path(), Duration::ZERO).expect("cleared"), 1);
        assert!(!inner.join("64#1").exists() && inner.join("64").exists());
    }
}
