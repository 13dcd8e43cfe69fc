//! The files of attachments. An upload is written into the store of files as it arrives, then the row that names it is
//! committed; what does not become a row is removed. What loses its row is removed by a job, which the same transaction
//! enqueues.
//!
//! - `upload`    from a client into the store
//! - `download`  from the store to a client
//! - `removal`   files that no task has any more

mod download;
mod removal;
mod upload;

pub use download::Attached;
pub use removal::ForgetAttachments;
pub use upload::{Content, Upload, Uploaded};

use super::download::Running;
use crate::files::Name;
use crate::ops::bounds::Bounds;
use taskwire_protocol::{AttachmentId, WorkspaceId};

/// The first part of the names of files.
const ATTACHMENTS: &str = "attachments";

/// Who uploads and downloads now, and how much they may.
pub(super) struct Attachments {
    uploads: Running,
    downloads: Running,
    bounds: Bounds,
    /// The most bytes of one file.
    most: u64,
}

impl Attachments {
    pub(super) fn new(bounds: Bounds, most: u64) -> Attachments {
        Attachments {
            uploads: upload::running(),
            downloads: download::running(),
            bounds,
            most,
        }
    }
}

/// The name of an attachment's file.
fn name(workspace: WorkspaceId, id: AttachmentId) -> Name {
    Name::of([ATTACHMENTS, &workspace.to_string(), &id.to_string()])
}

/// The attachment whose file has this name.
fn attachment_of(name: &Name) -> Option<AttachmentId> {
    match name.parts().as_slice() {
        [first, _workspace, id] if first == ATTACHMENTS => id.parse().ok(),
        _ => None,
    }
}
