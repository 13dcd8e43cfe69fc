//! Files that are saved: a file gets its name when it is whole, replaces another one only when told to, and stays in the
//! folder that the person named.

use crate::{fault::Fault, progress::Progress};
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};
use taskwire_client::{Download, terminal::is_active};

/// The path of standard output.
pub(crate) const STDOUT: &str = "-";
/// The most bytes of a file's name that common file systems keep.
const NAME: usize = 255;

/// Where a download with this name goes: into the folder or file that the person named, or into the current folder.
pub(crate) fn place(to: Option<&Path>, name: &str) -> PathBuf {
    match to {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_owned(),
        None => PathBuf::from(name),
    }
}

/// A name that somebody else chose, as the name of a file in any folder: no path, not hidden, not like an option.
pub(crate) fn safe_name(name: &str) -> String {
    let is_unsafe = |char: char| is_active(char) || matches!(char, '/' | '\\' | ':');
    let mut safe: String = name
        .chars()
        .map(|char| if is_unsafe(char) { '_' } else { char })
        .collect();
    if safe.starts_with(['.', '-', ' ']) || safe.is_empty() {
        safe.insert(0, '_');
    }
    let ending = safe.rfind('.').map_or("", |dot| &safe[dot..]);
    let ending = if ending.len() <= 16 { ending } else { "" };
    if safe.len() <= NAME {
        return safe;
    }
    let stem = &safe[..safe.floor_char_boundary(NAME - ending.len())];
    format!("{stem}{ending}")
}

/// Refuses to replace a file.
pub(crate) fn check_free(file: &Path, force: bool) -> Result<(), Fault> {
    if force || file == Path::new(STDOUT) || !file.exists() {
        return Ok(());
    }
    Err(taken(file))
}

fn taken(file: &Path) -> Fault {
    Fault::usage(format!(
        "{} exists; replace it with --force, or name another file",
        file.display()
    ))
}

/// Writes the file under a temporary name beside its own, with access for its owner alone. Returns its size.
pub(crate) async fn save(
    download: &mut Download,
    file: &Path,
    force: bool,
    progress: &mut Progress,
) -> Result<u64, Fault> {
    let named = |error: io::Error| Fault::other(format!("{}: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Fault::usage(format!("there is no folder {}", folder.display())));
    }
    let mut part = tempfile::Builder::new()
        .prefix(".taskwire-")
        .suffix(".part")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(named)?;
    let bytes = tokio::select! {
        copied = copy(download, &mut part, progress) => copied?,
        _ = tokio::signal::ctrl_c() => return Err(Fault::other("interrupted; nothing was saved")),
    };
    part.as_file().sync_all().map_err(named)?;
    let kept = if force {
        part.persist(file)
    } else {
        part.persist_noclobber(file)
    };
    match kept {
        Ok(_) => Ok(bytes),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(taken(file)),
        Err(error) => Err(named(error.error)),
    }
}

/// Writes the file to standard output.
pub(crate) async fn print(download: &mut Download) -> Result<(), Fault> {
    let mut out = io::stdout();
    copy(download, &mut out, &mut Progress::none()).await?;
    Ok(out.flush()?)
}

/// Copies what arrives. Returns the number of bytes.
async fn copy(download: &mut Download, to: &mut impl Write, progress: &mut Progress) -> Result<u64, Fault> {
    let mut bytes = 0;
    while let Some(piece) = download.next().await? {
        to.write_all(&piece)?;
        bytes += piece.len() as u64;
        progress.at(bytes);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_somebody_else_stays_in_its_folder() {
        for (name, safe) in [
            ("notes.txt", "notes.txt"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("C:\\x", "C__x"),
            (".bashrc", "_.bashrc"),
            ("-rf", "_-rf"),
            ("a\r\nb", "a__b"),
            ("", "_"),
        ] {
            assert_eq!(safe_name(name), safe, "{name:?}");
        }
        let long = safe_name(&format!("{}.txt", "ä".repeat(200)));
        assert!(long.len() <= NAME && long.ends_with("ä.txt"), "{long}");
    }

    #[test]
    fn a_file_goes_where_the_person_says() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(place(None, "a"), Path::new("a"));
        assert_eq!(place(Some(folder.path()), "a"), folder.path().join("a"));
        assert_eq!(place(Some(Path::new("other")), "a"), Path::new("other"));
    }
}
