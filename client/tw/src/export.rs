//! `profile export`: the data of one's own account as a ZIP, over HTTP. The file gets its name when it is whole.

use crate::{
    args::ExportArgs, connect::Context, fault::Fault, output::Output, progress::Progress, saving,
    terminal::plain,
};
use serde_json::json;
use std::path::Path;

const PATH: &str = "v1/profile/export";
/// The name when the server gives none.
const NAME: &str = "taskwire-export.zip";

pub(crate) async fn export(context: &Context, output: &Output, args: ExportArgs) -> Result<(), Fault> {
    let to = args.file.as_deref();
    if let Some(file) = to.filter(|file| !file.is_dir()) {
        saving::check_free(file, args.force)?;
    }
    let http = context.http()?.signed_in(context.access_token().await?);
    let mut download = http.download(PATH).await?;
    if to == Some(Path::new(saving::STDOUT)) {
        return saving::print(&mut download).await;
    }
    let name = download.name.clone().unwrap_or_else(|| NAME.to_owned());
    let file = saving::place(to, &name);
    saving::check_free(&file, args.force)?;
    let mut progress = Progress::of(&name, download.size);
    let bytes = saving::save(&mut download, &file, args.force, &mut progress).await?;
    drop(progress);
    if output.json {
        return output.value(&json!({ "file": file.display().to_string(), "bytes": bytes }));
    }
    output.line(&format!("{}: {bytes} bytes", plain(&file.display().to_string())))
}
