//! Downloads: who may read the file of an attachment, and its bytes, piece by piece as the client takes them. Who may not
//! read it any more gets no more of it.

use super::upload::Content;
use super::{Attachments, name};
use crate::engine::authorize::authorize;
use crate::engine::download::{Place, Room, Running};
use crate::engine::{Caller, Engine, finished};
use crate::files::Name;
use crate::ops::{Target, not_found};
use crate::store::attachments::{self, AttachmentRecord};
use futures_util::stream::{StreamExt as _, try_unfold};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::{Access, AttachmentId, Failure, Kind};
use tokio::time::Instant;

/// The name of a download in `ops/grant`, which asks for one.
const NAME: &str = "attachment.get";
/// Each needs the memory of two pieces of its file, up to 1 MiB each.
static ROOM: Room = Room {
    each: 16,
    all: 128,
    already: "sixteen files are on their way to you; wait until one of them has arrived",
    too_many: "too many downloads at once; try again shortly",
    retry_after_ms: 1000,
};

/// The time between two looks whether the reader may still read.
const LOOK: Duration = Duration::from_secs(1);
/// How long a download goes on while the database cannot tell.
const UNSURE: Duration = Duration::from_secs(10);

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

/// An attachment that the caller may read.
pub struct Attached {
    /// What it is.
    pub attachment: Attachment,
    name: Name,
    caller: Arc<Caller>,
}

/// Who reads an attachment, and when it was last sure that they may.
struct Reading {
    engine: Engine,
    caller: Arc<Caller>,
    id: AttachmentId,
    looked: Instant,
    _place: Place,
}

impl Reading {
    /// Looks from time to time whether the session still holds, and the reader may still see the attachment.
    async fn goes_on(&mut self) -> Result<(), Failure> {
        let since = self.looked.elapsed();
        if since < LOOK {
            return Ok(());
        }
        let (engine, caller, id) = (self.engine.clone(), self.caller.clone(), self.id);
        let looking = finished(async move {
            engine.check_session(&caller).await?;
            let store = &engine.0.store;
            authorize(store, &caller, Access::Viewer, Target::Attachment(id)).await
        });
        match looking.await {
            Ok(_) => self.looked = Instant::now(),
            Err(failure) if failure.retryable && since < UNSURE => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }
}

impl Engine {
    /// An attachment that the caller may read.
    pub async fn attachment(&self, caller: Arc<Caller>, id: AttachmentId) -> Result<Attached, Failure> {
        caller.may(NAME, Kind::Query, Access::Viewer)?;
        self.note_use(&caller);
        let store = self.0.store.clone();
        finished(async move {
            authorize(&store, &caller, Access::Viewer, Target::Attachment(id)).await?;
            let found = attachments::find(&mut store.read().await?, id).await?;
            let found = found.ok_or_else(|| not_found("attachment"))?;
            Ok(Attached {
                name: name(found.workspace, id),
                attachment: found.attachment,
                caller,
            })
        })
        .await
    }

    /// The whole file of an attachment; `None` when the store of files has none.
    pub(in crate::engine) async fn file_of_attachment(
        &self,
        record: &AttachmentRecord,
    ) -> Result<Option<Content>, Failure> {
        let name = name(record.workspace, record.attachment.id);
        let found = self.0.files.read(name, 0..record.attachment.size).await?;
        Ok(found.map(|content| content.map(|piece| Ok(piece?)).boxed()))
    }

    /// These bytes of its file. Each piece is read when the one before was taken.
    pub async fn content(&self, attached: &Attached, range: Range<u64>) -> Result<Content, Failure> {
        let Attachments { downloads, .. } = &self.0.attachments;
        let place = downloads.take(attached.caller.user.id)?;
        let found = self.0.files.read(attached.name.clone(), range).await?;
        let content = found.ok_or_else(|| {
            // it was deleted meanwhile, or somebody removed files
            tracing::warn!(file = %attached.name, "an attachment is not in the store of files");
            not_found("attachment")
        })?;
        let reading = Reading {
            engine: self.clone(),
            caller: attached.caller.clone(),
            id: attached.attachment.id,
            looked: Instant::now(),
            _place: place,
        };
        let content = try_unfold((content, reading), async |(mut content, mut reading)| {
            let Some(piece) = content.next().await else {
                return Ok(None);
            };
            let piece = piece?;
            reading.goes_on().await?;
            Ok(Some((piece, (content, reading))))
        });
        Ok(content.boxed())
    }
}
