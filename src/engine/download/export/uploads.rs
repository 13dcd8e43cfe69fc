//! What a person uploaded to tasks of the workspaces that they are in: a list of it, and the files, as far as they fit.

use super::contents::Contents;
use crate::engine::download::pieces::Stop;
use crate::store::attachments::{self, AttachmentRecord};
use futures_util::stream::StreamExt as _;
use uuid::Uuid;

/// The rows of a page.
const PAGE: usize = 250;
/// The most bytes of all files together. The list names those that do not fit, and each can be downloaded.
const FILES: u64 = 1 << 30;

type Result<T> = std::result::Result<T, Stop>;

impl Contents<'_> {
    /// What was uploaded, oldest first.
    pub(super) async fn attachments(&mut self) -> Result<()> {
        self.out.lines("attachments.ndjson", 0)?;
        let mut after = None;
        loop {
            let page = self.page_of_uploads(after).await?;
            for record in &page {
                self.out.line(&record.attachment).await?;
            }
            after = next(&page);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// The files, oldest first.
    pub(super) async fn files(&mut self) -> Result<()> {
        let (mut after, mut room) = (None, FILES);
        loop {
            let page = self.page_of_uploads(after).await?;
            for record in &page {
                let size = record.attachment.size;
                if size > room {
                    return Ok(());
                }
                room -= size;
                self.still_allowed().await?;
                self.file_of(record).await?;
            }
            after = next(&page);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// A file that is gone meanwhile is left out.
    async fn file_of(&mut self, record: &AttachmentRecord) -> Result<()> {
        let Some(mut content) = self.engine.file_of_attachment(record).await? else {
            return Ok(());
        };
        let attachment = &record.attachment;
        let name = format!("attachments/{}/{}", attachment.id, attachment.name);
        self.out.begin(&name, attachment.size)?;
        while let Some(piece) = content.next().await {
            self.out.piece(&piece?).await?;
        }
        Ok(())
    }

    async fn page_of_uploads(&self, after: Option<Uuid>) -> Result<Vec<AttachmentRecord>> {
        self.still_allowed().await?;
        let mut reader = self.reader().await?;
        Ok(attachments::list_by(&mut reader, self.caller.user.id, after, PAGE as i64).await?)
    }
}

/// Where the next page begins, if there may be one.
fn next(page: &[AttachmentRecord]) -> Option<Uuid> {
    let last = page.last().filter(|_| page.len() == PAGE);
    last.map(|record| record.attachment.id.0)
}
