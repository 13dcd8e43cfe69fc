//! Keeps mails as files where no server is set: `data_dir/outbox/<id>.eml`, only for this user to read. A file is whole or
//! missing, a repeated mail replaces its file, and the oldest files make room for new ones.

use crate::config::Settings;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How many files stay.
const MOST: usize = 1000;

/// Writes a mail. Returns its file.
pub(super) async fn keep(settings: &Settings, id: Uuid, mail: Vec<u8>) -> io::Result<PathBuf> {
    let folder = settings.outbox()?;
    let written = tokio::task::spawn_blocking(move || {
        let file = write(&folder, id, &mail)?;
        make_room(&folder, MOST)?;
        Ok(file)
    });
    written.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn write(folder: &Path, id: Uuid, mail: &[u8]) -> io::Result<PathBuf> {
    let (draft, file) = (folder.join(format!(".{id}")), folder.join(format!("{id}.eml")));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut open = options.open(&draft)?;
    open.write_all(mail)?;
    open.sync_all()?;
    fs::rename(&draft, &file)?;
    Ok(file)
}

/// Removes the oldest files. Ids increase with time, so names do.
fn make_room(folder: &Path, most: usize) -> io::Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .collect();
    files.sort_unstable();
    let surplus = files.len().saturating_sub(most);
    for file in &files[..surplus] {
        match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_for_its_owner_only_and_the_oldest_make_room() {
        let folder = tempfile::tempdir().expect("a folder");
        for n in [3, 1, 2, 2] {
            let file = write(folder.path(), Uuid::from_u128(n), b"mail").expect("written");
            let mode = fs::metadata(&file).expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        make_room(folder.path(), 2).expect("room");
        let left = fs::read_dir(folder.path()).expect("files");
        let mut left: Vec<String> = left
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        let named = |n| format!("{}.eml", Uuid::from_u128(n));
        assert_eq!(left, [named(2), named(3)]);
    }
}
