//! Files that no task has any more: those of attachments that were deleted, and what interruptions left.

use super::{ATTACHMENTS, attachment_of, name};
use crate::engine::{Chore, Engine, spawned};
use crate::files::{self, Listed, Name};
use crate::store::{StoreError, Transaction, attachments};
use futures_util::stream::StreamExt as _;
use std::time::Duration;
use taskwire_protocol::{AttachmentId, Failure, WorkspaceId};
use uuid::Uuid;

/// The age from which a file without a row is removed. The longest upload takes less; S3 dates a file by the beginning of
/// its upload.
const ORPHANED: Duration = Duration::from_hours(12);
/// The most files that are looked up in one statement.
const STEP: usize = 500;
/// The most files that are removed between two transactions.
const REMOVED: i64 = 100;

/// A step that deletes the rows of attachments whose files are removed.
pub struct ForgetAttachments(pub Vec<AttachmentId>);

impl Chore for ForgetAttachments {
    type Output = ();
    const FREES: bool = true;
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        attachments::forget(tx, self.0).await
    }
}

impl Engine {
    /// Removes the files of some attachments of a workspace that have no task any more. Returns those attachments: their
    /// rows are deleted next. A repetition removes less.
    pub async fn remove_files(&self, workspace: WorkspaceId) -> Result<ForgetAttachments, Failure> {
        let store = self.0.store.clone();
        let read = async move { attachments::removed(&mut store.read().await?, workspace, REMOVED).await };
        let removed = spawned(read).await?;
        for id in &removed {
            self.0.files.delete(&name(workspace, *id)).await?;
        }
        Ok(ForgetAttachments(removed))
    }

    /// The next workspace after this one with attachments that have no task any more.
    pub async fn next_with_removed_files(&self, after: WorkspaceId) -> Result<Option<WorkspaceId>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { attachments::next_with_removed(&mut store.read().await?, after).await }).await
    }

    /// Removes a file that did not become an attachment. What cannot be removed now is removed later.
    pub(super) async fn remove_file(&self, workspace: WorkspaceId, id: AttachmentId) {
        if let Err(error) = self.0.files.delete(&name(workspace, id)).await {
            let error = error.in_full();
            tracing::warn!(error, "a file was not removed; a job removes it later");
        }
    }

    /// Removes old files that have no row, and returns their number. Reads a page of names at a time.
    pub async fn clear_attachments(&self) -> Result<usize, Failure> {
        let before = self.0.clock.now_ms() - ORPHANED.as_millis() as i64;
        let mut pages = self.0.files.list(&Name::of([ATTACHMENTS])).chunks(STEP);
        let mut cleared = 0;
        while let Some(page) = pages.next().await {
            let page = page.into_iter().collect::<files::Result<Vec<Listed>>>()?;
            let old = page.into_iter().filter(|file| file.written_at < before);
            let old = old.filter_map(|file| Some((attachment_of(&file.name)?.0, file.name)));
            let old: Vec<(Uuid, Name)> = old.collect();
            let (store, ids) = (self.0.store.clone(), old.iter().map(|(id, _)| *id).collect());
            let known = async move { attachments::known(&mut store.read().await?, ids).await };
            let known = spawned(known).await?;
            for (_, name) in old.iter().filter(|(id, _)| !known.contains(id)) {
                self.0.files.delete(name).await?;
                cleared += 1;
            }
        }
        Ok(cleared)
    }
}
