//! Uploads: who may begin one, the content on its way into the store, and the row that names it.

use super::{Attachments, name};
use crate::domain::attachment::{self as rules, TELLING};
use crate::engine::authorize::authorize;
use crate::engine::download::{Place, Room, Running};
use crate::engine::{Caller, Engine, finished};
use crate::files::Writing;
use crate::ops::attachments::AddAttachment;
use crate::ops::bounds::Stored;
use crate::ops::{Target, bug, conflict, not_found};
use crate::store::{attachments, tasks, users};
use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use serde_json::json;
use std::sync::Arc;
use taskwire_protocol::attachment::Attachment;
use taskwire_protocol::{AttachmentId, ErrorCode, Failure, Kind, OpId, TaskId, WorkspaceId};

/// Each needs the memory of one part of its file, up to 5 MiB.
static ROOM: Room = Room {
    each: 4,
    all: 24,
    already: "four files are on their way from you; wait until one of them has arrived",
    too_many: "too many files at once; try again shortly",
    retry_after_ms: 1000,
};

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

/// The content of a file, as it arrives.
pub type Content = BoxStream<'static, Result<Bytes, Failure>>;

/// An upload that may begin. It has its place among the uploads until it is dropped.
pub struct Upload {
    caller: Arc<Caller>,
    task: TaskId,
    workspace: WorkspaceId,
    most: u64,
    _place: Place,
}

impl Upload {
    /// The most bytes that the file may have.
    pub fn most(&self) -> u64 {
        self.most
    }
}

/// A file on its way, and what its request says about it.
pub struct Uploaded {
    /// The name that the client gives it.
    pub name: String,
    /// Makes the upload exactly-once.
    pub op_id: Option<OpId>,
    /// The id of the request.
    pub request_id: Arc<str>,
    /// The file.
    pub content: Content,
}

impl Engine {
    /// Checks whether the caller may give a task a file, before any of it is read. It is checked again when the file is
    /// there.
    pub async fn may_attach(&self, caller: Arc<Caller>, task: TaskId) -> Result<Upload, Failure> {
        caller.may(AddAttachment::NAME, Kind::Mutation, AddAttachment::ACCESS)?;
        self.note_use(&caller);
        let Attachments {
            uploads,
            bounds,
            most,
            ..
        } = &self.0.attachments;
        let place = uploads.take(caller.user.id)?;
        let (store, bounds, by) = (self.0.store.clone(), *bounds, caller.clone());
        let workspace = finished(async move {
            let found = authorize(&store, &by, AddAttachment::ACCESS, Target::Task(task)).await?;
            let (workspace, _) = found.ok_or_else(|| bug("a task is in no workspace"))?;
            let mut reader = store.read().await?;
            let task = tasks::find(&mut reader, task).await?;
            let task = task.ok_or_else(|| not_found("task"))?;
            if task.is_deleted {
                return Err(conflict("the task is deleted; restore it first"));
            }
            bounds.one_more_attachment(task.attachment_count)?;
            if bounds.bounds_storage() {
                let has = attachments::bytes_by(&mut reader, by.user.id).await?;
                let account = users::find(&mut reader, by.user.id).await?;
                let account = account.ok_or_else(|| not_found("account"))?;
                let one_more = Stored {
                    photo: 0,
                    attachments: has.saturating_add(1),
                };
                bounds.stores(one_more, account.user.plan)?;
            }
            Ok(workspace)
        });
        Ok(Upload {
            workspace: workspace.await?,
            most: *most,
            caller,
            task,
            _place: place,
        })
    }

    /// Gives the task the file. Runs to its end, also when nobody waits for the answer: a file that does not arrive whole
    /// leaves nothing.
    pub async fn attach(&self, upload: Upload, file: Uploaded) -> Result<Attachment, Failure> {
        let engine = self.clone();
        finished(async move { engine.take_in(&upload, file).await }).await
    }

    async fn take_in(&self, upload: &Upload, file: Uploaded) -> Result<Attachment, Failure> {
        let id = AttachmentId(self.0.ids.next());
        let mut writing = self.0.files.begin(name(upload.workspace, id));
        let written = write(&mut writing, file.content, upload.most).await;
        let Written { media_type, digest } = match written {
            Ok(written) => written,
            Err(failure) => {
                writing.abandon().await;
                return Err(failure);
            }
        };
        let size = writing.size();
        writing.finish().await?;
        let add = AddAttachment {
            id,
            task: upload.task,
            name: rules::name(&file.name).into(),
            size,
            media_type,
            digest,
        };
        let added = self
            .add(upload.caller.clone(), add, file.op_id, file.request_id)
            .await;
        let is_named = match &added {
            // an op_id that was used before answers what it did then
            Ok(attachment) => attachment.id == id,
            // the outcome may be unknown, and a row may name the file; if none does, a job removes it
            Err(failure) => failure.retryable,
        };
        if !is_named {
            self.remove_file(upload.workspace, id).await;
        }
        added
    }

    async fn add(
        &self,
        caller: Arc<Caller>,
        add: AddAttachment,
        op_id: Option<OpId>,
        request_id: Arc<str>,
    ) -> Result<Attachment, Failure> {
        // the session may have ended while the file arrived
        self.check_session(&caller).await?;
        let engine = self.clone();
        let reply = engine
            .submit_one(caller, op_id, Box::new(add), Some(request_id))
            .await?;
        let unread = || bug("the answer to an upload cannot be read");
        reply.output().ok_or_else(unread)
    }
}

/// What the content told on its way into the store.
struct Written {
    media_type: &'static str,
    digest: String,
}

/// Writes the content as it arrives.
async fn write(writing: &mut Writing, mut content: Content, most: u64) -> Result<Written, Failure> {
    let (mut first, mut digest) = (Vec::new(), Context::new(&SHA256));
    while let Some(piece) = content.next().await {
        let piece = piece?;
        if writing.size().saturating_add(piece.len() as u64) > most {
            return Err(too_large(most));
        }
        let telling = piece.get(..TELLING.saturating_sub(first.len())).unwrap_or(&piece);
        first.extend_from_slice(telling);
        digest.update(&piece);
        writing.write(piece).await?;
    }
    Ok(Written {
        media_type: rules::media_type(&first),
        digest: URL_SAFE_NO_PAD.encode(digest.finish()),
    })
}

/// The refusal of a file that is too large.
pub(super) fn too_large(most: u64) -> Failure {
    let message = format!("an attachment may have {most} bytes");
    let mut failure = Failure::new(ErrorCode::PayloadTooLarge, message).at("file");
    failure.context = Some(json!({ "limit": most }));
    failure
}
