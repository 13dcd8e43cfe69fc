//! Checks the store of files: writes a small object as a node does, and removes it again.

use super::Finding;
use crate::config::Settings;
use crate::files::{Files, FilesError, Name};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn finding(settings: &Settings) -> Finding {
    let place = match &settings.files_url {
        Some(url) => format!("the bucket {}", url.bucket),
        None => format!("the folder {}", settings.data_dir.join("files").display()),
    };
    let advice = match &settings.files_url {
        Some(_) => {
            "check files_url, and that its key may list the bucket, and read, write and delete objects"
        }
        None => "make the user that runs taskwire the owner of data_dir",
    };
    let folder = settings.data_dir.join("files");
    let missing: Vec<&Path> = folder.ancestors().take_while(|part| !part.exists()).collect();
    let checked = timeout(PATIENCE, write(settings)).await;
    // if no node has run here, leave nothing behind: remove the folders that this check created
    for made in missing {
        let _ = fs::remove_dir(made);
    }
    match checked {
        Ok(Ok(took)) => Finding::ok(
            "files",
            format!(
                "{place} takes and removes files; {:.1} ms",
                took.as_secs_f64() * 1000.0
            ),
        ),
        Ok(Err(error)) => Finding::failure("files", format!("{place}: {}", error.in_full())).advise(advice),
        Err(_) => Finding::failure("files", format!("{place} does not answer within 20 s")).advise(advice),
    }
}

async fn write(settings: &Settings) -> Result<Duration, FilesError> {
    let files = Files::open(settings)?;
    let name = Name::of(["doctor", &format!("{:016x}", rand::random::<u64>())]);
    let began = Instant::now();
    files.put(&name, "taskwire doctor").await?;
    files.delete(&name).await?;
    Ok(began.elapsed())
}
