//! I12: what faults left in the store of files is cleared. The jobs for this look for old files, some times a day: this
//! makes all files old and the jobs due.

use crate::Failed;
use crate::check::work;
use crate::load::Shared;
use crate::verdict::Invariant;
use sqlx::{Connection, PgConnection};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// Older than what the jobs leave alone.
const OLD: Duration = Duration::from_hours(24);
/// How long the jobs may take: instances look for due jobs every five seconds.
const CLEARED: Duration = Duration::from_secs(30);

/// Waits until each attachment has its file, each file its attachment, and no attachment is without a task.
pub(crate) async fn sweep(shared: Arc<Shared>) -> Result<(), Failed> {
    let folder = shared.world.files().join("attachments");
    std::fs::create_dir_all(&folder)?;
    make_old(&folder)?;
    let mut link = PgConnection::connect(&shared.world.database).await?;
    sqlx::query("update jobs set due_at = 0 where kind in ('attachments', 'photos')")
        .execute(&mut link)
        .await?;
    let began = Instant::now();
    loop {
        let rows: Vec<(Uuid, bool)> = sqlx::query_as("select id, task_id is null from attachments")
            .fetch_all(&mut link)
            .await?;
        let files = work::names(&folder)?;
        let unfinished = rows.iter().filter(|(_, is_removed)| *is_removed).count();
        let ids: BTreeSet<Uuid> = rows.iter().map(|(id, _)| *id).collect();
        let unmatched = work::unmatched(&ids, &files);
        if unmatched.is_none() && unfinished == 0 {
            shared.verdicts.checked(Invariant::I12, rows.len() as u64);
            return Ok(());
        }
        if began.elapsed() > CLEARED {
            let what = format!(
                "after {CLEARED:?} {unfinished} attachments without a task are left; {}",
                unmatched.unwrap_or_default()
            );
            shared.verdicts.violated(Invariant::I12, what);
            return Ok(());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

fn make_old(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            make_old(&path)?;
        } else if let Ok(file) = std::fs::File::options().write(true).open(&path) {
            // it may be removed at the same time
            #[allow(
                clippy::disallowed_methods,
                reason = "the files' times are by the system's clock"
            )]
            file.set_modified(SystemTime::now() - OLD)?;
        }
    }
    Ok(())
}
