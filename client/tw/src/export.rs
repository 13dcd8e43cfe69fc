//! `profile export`: the data of one's own account as a ZIP, over HTTP. The file gets its name when it is whole.

use crate::{args::ExportArgs, connect::Context, fault::Fault, output::Output, terminal::plain};
use serde_json::json;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};
use taskwire_client::Download;

const PATH: &str = "v1/profile/export";
/// The name when the server gives none.
const NAME: &str = "taskwire-export.zip";

pub(crate) async fn export(context: &Context, output: &Output, args: ExportArgs) -> Result<(), Fault> {
    let to = args.file.as_deref();
    if let Some(file) = to.filter(|file| !file.is_dir()) {
        check_free(file, args.force)?;
    }
    let http = context.http()?.signed_in(context.access_token().await?);
    let mut download = http.download(PATH).await?;
    if to == Some(Path::new("-")) {
        let mut out = io::stdout();
        copy(&mut download, &mut out).await?;
        return Ok(out.flush()?);
    }
    let name = download.name.as_deref().unwrap_or(NAME);
    let file = match to {
        Some(folder) if folder.is_dir() => folder.join(name),
        Some(file) => file.to_owned(),
        None => PathBuf::from(name),
    };
    check_free(&file, args.force)?;
    let bytes = save(&mut download, &file, args.force).await?;
    if output.json {
        return output.value(&json!({ "file": file.display().to_string(), "bytes": bytes }));
    }
    output.line(&format!("{}: {bytes} bytes", plain(&file.display().to_string())))
}

/// Refuses to replace a file.
fn check_free(file: &Path, force: bool) -> Result<(), Fault> {
    if force || file == Path::new("-") || !file.exists() {
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

/// Writes the file under a temporary name beside its own, with access for its owner alone.
async fn save(download: &mut Download, file: &Path, force: bool) -> Result<u64, Fault> {
    let named = |error: io::Error| Fault::other(format!("{}: {error}", file.display()));
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut part = tempfile::Builder::new()
        .prefix(".taskwire-export-")
        .suffix(".part")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(named)?;
    let bytes = tokio::select! {
        copied = copy(download, &mut part) => copied?,
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

/// Copies what arrives. Returns the number of bytes.
async fn copy(download: &mut Download, to: &mut impl Write) -> Result<u64, Fault> {
    let mut bytes = 0;
    while let Some(piece) = download.next().await? {
        to.write_all(&piece)?;
        bytes += piece.len() as u64;
    }
    Ok(bytes)
}
