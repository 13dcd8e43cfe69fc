//! A workspace as a file: JSON for an import, CSV for spreadsheets, ICS for calendar programs. What changes while it is read
//! may be in it as it was or as it is.
//!
//! - `source`  reads pages, each after asking whether the caller still may
//! - `tree`    the tasks in their order: subtasks after their parents
//! - `json`, `csv`, `ics`  the formats

mod csv;
mod ics;
mod json;
mod source;
mod tree;

use super::pieces::{Pieces, Sink, Stop, body};
use super::running::{Place, Room, Running};
use crate::engine::authorize::authorize;
use crate::engine::{Caller, Engine, finished};
use crate::ops::{Load, Target, snapshots};
use bytes::Bytes;
use source::Source;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::export::ExportFormat;
use taskwire_protocol::workspace::SnapshotOpening;
use taskwire_protocol::{Access, Failure, Timestamp, WorkspaceId};
use tracing::Instrument as _;

/// What has as many bytes is handed on. Compressing it takes a millisecond or two; then other work has its turn.
const PIECE: usize = 64 * 1024;
/// The longest time of an export. A client that takes little by little must not keep its place for ever.
const LONGEST: Duration = Duration::from_hours(1);
/// Each needs two pieces, a page of rows and what its compression remembers, a few MiB.
static ROOM: Room = Room {
    each: 2,
    all: 16,
    already: "two exports are on their way to you; wait until one of them has ended",
    too_many: "too many exports at once; try again shortly",
    retry_after_ms: 2000,
};

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

/// An export that has begun.
pub struct WorkspaceFile {
    /// The name of the workspace.
    pub workspace: Arc<str>,
    /// The day on which it began, by UTC: `2026-11-29`.
    pub day: String,
    /// The file.
    pub pieces: Pieces,
}

impl Engine {
    /// Begins the export of a workspace; the caller's personal one when none is given. It ends when it is dropped.
    pub async fn export_workspace(
        &self,
        caller: Arc<Caller>,
        workspace: Option<WorkspaceId>,
        format: ExportFormat,
    ) -> Result<WorkspaceFile, Failure> {
        let place = self.0.downloads.workspaces.take(caller.user.id)?;
        let id = workspace.unwrap_or(caller.personal);
        let opening = finished(self.clone().opening_of_export(caller.clone(), id)).await?;
        let now = Timestamp(self.0.clock.now_ms());
        let (sink, pieces) = body(LONGEST);
        let file = WorkspaceFile {
            workspace: opening.workspace.name.clone(),
            day: now.to_string().chars().take_while(|char| *char != 'T').collect(),
            pieces,
        };
        let source = Source::new(self.clone(), caller, id, sink.clone());
        let outgoing = Outgoing::new(sink, place);
        tokio::spawn(carry_out(source, opening, format, outgoing).in_current_span());
        Ok(file)
    }

    async fn opening_of_export(
        self,
        caller: Arc<Caller>,
        workspace: WorkspaceId,
    ) -> Result<SnapshotOpening, Failure> {
        let _turn = self.0.readers.enter(caller.user.id, Load::Long).await;
        let store = self.bounded();
        authorize(&store, &caller, Access::Viewer, Target::Workspace(workspace)).await?;
        snapshots::opening(&store, &caller, workspace).await
    }
}

async fn carry_out(source: Source, opening: SnapshotOpening, format: ExportFormat, mut out: Outgoing) {
    let (workspace, sink, format_name) = (opening.workspace.id, out.sink.clone(), format.name());
    let written = match format {
        ExportFormat::Json => json::write(&source, &opening, &mut out).await,
        ExportFormat::Csv => csv::write(&source, &opening, &mut out).await,
        ExportFormat::Ics => ics::write(&source, &opening, &mut out).await,
    };
    let ended = match written {
        Ok(tasks) => out.end().await.map(|()| tasks),
        Err(stop) => Err(stop),
    };
    let duration_ms = sink.took().as_millis();
    match ended {
        Ok(tasks) => {
            tracing::info!(workspace.id = %workspace, format = format_name, tasks, duration_ms, "exported a workspace");
        }
        Err(Stop::Gone) => {
            tracing::debug!(workspace.id = %workspace, duration_ms, "the client left its export of a workspace");
        }
        Err(Stop::Failed(failure)) => {
            let (code, reason) = (failure.code, &*failure.message);
            tracing::warn!(workspace.id = %workspace, duration_ms, ?code, reason, "an export of a workspace broke off");
            sink.fail(failure);
        }
    }
}

/// The file on its way to the client.
struct Outgoing {
    sink: Sink,
    /// Kept until the last piece: a client that has the whole file can ask for the next one.
    place: Place,
    /// What was not handed on yet.
    text: String,
}

impl Outgoing {
    fn new(sink: Sink, place: Place) -> Outgoing {
        let text = String::new();
        Outgoing { sink, place, text }
    }

    /// Hands on what there is, if it is enough, and waits until the client has taken what came before.
    async fn send(&mut self) -> Result<(), Stop> {
        if self.text.len() < PIECE {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.text));
        self.sink.pass(piece).await
    }

    async fn end(self) -> Result<(), Stop> {
        drop(self.place);
        self.sink.end(Bytes::from(self.text)).await
    }
}
