//! `export`, a workspace as a file, and `profile export`, the data of one's own account as a ZIP, over HTTP. A file gets its
//! name when it is whole.

use crate::{
    args::{ExportArgs, ExportWorkspaceArgs},
    connect::Context,
    fault::Fault,
    output::Output,
    progress::Progress,
    resolve, saving,
    terminal::plain,
    waiting::waiting,
};
use serde_json::json;
use std::{
    io::{IsTerminal as _, stdout},
    path::Path,
};
use taskwire_client::{Client, protocol::export::ExportFormat};

const ACCOUNT: &str = "v1/profile/export";
const WORKSPACE: &str = "v1/export";

pub(crate) async fn export(context: &Context, output: &Output, args: ExportArgs) -> Result<(), Fault> {
    let to = args.file.as_deref();
    fetch(context, output, ACCOUNT, to, "taskwire-export.zip", args.force).await
}

pub(crate) async fn workspace(
    context: &Context,
    output: &Output,
    args: ExportWorkspaceArgs,
) -> Result<(), Fault> {
    // into a pipe, as other programs write
    let is_piped = args.file.is_none() && !output.json && !stdout().is_terminal();
    let to = is_piped
        .then(|| Path::new(saving::STDOUT))
        .or(args.file.as_deref());
    let format = args.format.or_else(|| ending(to?)).unwrap_or_default();
    let mut path = format!("{WORKSPACE}?format={}", format.name());
    if let Some(named) = &args.workspace {
        let find = async |client: &Client| resolve::workspace(client, named).await;
        let id = context.calling(find).await?;
        path = format!("{path}&workspace_id={id}");
    }
    let name = format!("taskwire-export.{}", format.name());
    fetch(context, output, &path, to, &name, args.force).await
}

/// The format whose files end like this one.
fn ending(file: &Path) -> Option<ExportFormat> {
    ExportFormat::named(&file.extension()?.to_str()?.to_ascii_lowercase())
}

/// Downloads a file, which is called `unnamed` if the server gives it no name.
async fn fetch(
    context: &Context,
    output: &Output,
    path: &str,
    to: Option<&Path>,
    unnamed: &str,
    force: bool,
) -> Result<(), Fault> {
    if let Some(file) = to.filter(|file| !file.is_dir()) {
        saving::check_free(file, force)?;
    }
    let http = context.http().await?.signed_in(context.access_token().await?);
    let mut download = waiting(&context.answer(), http.download(path)).await?;
    if to == Some(Path::new(saving::STDOUT)) {
        return saving::print(&mut download).await;
    }
    let name = download.name.clone().unwrap_or_else(|| unnamed.to_owned());
    let file = saving::place(to, &name);
    saving::check_free(&file, force)?;
    let mut progress = Progress::of(&name, download.size);
    let bytes = saving::save(&mut download, &file, force, &mut progress).await?;
    drop(progress);
    if output.json {
        return output.value(&json!({ "file": file.display().to_string(), "bytes": bytes }));
    }
    output.line(&format!("{}: {bytes} bytes", plain(&file.display().to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_a_file_tells_its_format() {
        for (file, format) in [
            ("a.csv", Some(ExportFormat::Csv)),
            ("a/b.ICS", Some(ExportFormat::Ics)),
            ("a.json", Some(ExportFormat::Json)),
            ("a.txt", None),
            ("csv", None),
            ("-", None),
        ] {
            assert_eq!(ending(Path::new(file)), format, "{file}");
        }
    }
}
