//! The state of a workspace as lines of JSON: its opening, then a task on each line. The opening is read at one moment; the
//! pages of tasks after it may be newer. So a client takes the stream's events from the opening's `seq` on, each when its
//! version is greater or equal.

use super::pieces::{Pieces, Sink, Stop, body};
use super::running::{Place, Room, Running};
use crate::engine::authorize::authorize;
use crate::engine::{Caller, Engine, finished};
use crate::ops::snapshots::{self, Part, Which};
use crate::ops::{Load, Target, json, not_found};
use crate::store::members;
use bytes::{BufMut as _, Bytes, BytesMut};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::workspace::SnapshotOpening;
use taskwire_protocol::{Access, Failure, WorkspaceId};
use tracing::Instrument as _;
use uuid::Uuid;

/// The tasks that are read at once.
const PAGE: i64 = 250;
/// What has as many bytes is handed on. Compressing it takes a millisecond or two; then other work has its turn.
const PIECE: usize = 64 * 1024;
/// The longest time of a snapshot.
const LONGEST: Duration = Duration::from_mins(10);
/// Each needs two pieces and what its compression remembers, about two MiB.
static ROOM: Room = Room {
    each: 4,
    all: 64,
    already: "four snapshots are on their way to you; wait until one of them has ended",
    too_many: "too many snapshots at once; try again shortly",
    retry_after_ms: 1000,
};

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

impl Engine {
    /// Begins a snapshot of a workspace. It ends when it is dropped.
    pub async fn snapshot(
        &self,
        caller: Arc<Caller>,
        workspace: WorkspaceId,
        open_only: Option<bool>,
    ) -> Result<Pieces, Failure> {
        let place = self.0.downloads.snapshots.take(caller.user.id)?;
        let opening = finished(self.clone().opening(caller.clone(), workspace)).await?;
        let (sink, pieces) = body(LONGEST);
        let lines = Lines {
            engine: self.clone(),
            caller,
            workspace,
            which: Which::of(open_only),
            sink,
            text: BytesMut::new(),
        };
        tokio::spawn(lines.carry_out(opening, place).in_current_span());
        Ok(pieces)
    }

    async fn opening(self, caller: Arc<Caller>, workspace: WorkspaceId) -> Result<SnapshotOpening, Failure> {
        let _turn = self.0.readers.enter(caller.user.id, Load::Long).await;
        let store = self.bounded();
        authorize(&store, &caller, Access::Viewer, Target::Workspace(workspace)).await?;
        snapshots::opening(&store, &caller, workspace).await
    }
}

/// A snapshot that is being written.
struct Lines {
    engine: Engine,
    caller: Arc<Caller>,
    workspace: WorkspaceId,
    which: Which,
    sink: Sink,
    /// What was not handed on yet.
    text: BytesMut,
}

impl Lines {
    async fn carry_out(mut self, opening: SnapshotOpening, place: Place) {
        let written = self.write(&opening, place).await;
        let (workspace, duration_ms) = (self.workspace, self.sink.took().as_millis());
        match written {
            Ok(number) => {
                tracing::debug!(workspace.id = %workspace, tasks = number, duration_ms, "sent a snapshot");
            }
            Err(Stop::Gone) => {
                tracing::debug!(workspace.id = %workspace, duration_ms, "the client left its snapshot");
            }
            Err(Stop::Failed(failure)) => {
                let (code, reason) = (failure.code, &*failure.message);
                tracing::warn!(workspace.id = %workspace, duration_ms, ?code, reason, "a snapshot broke off");
                self.sink.fail(failure);
            }
        }
    }

    /// Writes all lines. Returns the number of tasks.
    async fn write(&mut self, opening: &SnapshotOpening, place: Place) -> Result<usize, Stop> {
        self.line(json(opening)?).await?;
        let (mut number, mut after) = (0, None);
        loop {
            let part = self.part(after).await?;
            for task in &part.tasks {
                self.line(json(task)?).await?;
            }
            number += part.tasks.len();
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        // who has the whole snapshot can ask for the next one
        drop(place);
        let rest = self.take();
        self.sink.end(rest).await?;
        Ok(number)
    }

    /// The next tasks. Fails when the session has ended, or the caller is no member any more.
    async fn part(&self, after: Option<Uuid>) -> Result<Part, Stop> {
        self.sink.in_time()?;
        self.engine.check_session(&self.caller).await?;
        let mut reader = self.engine.page(self.caller.user.id).await?;
        let part = snapshots::part(&mut reader, self.workspace, self.which, after, PAGE).await?;
        // after the read: who was removed before it gets nothing
        let role = members::find_role(&mut reader, self.caller.user.id, self.workspace).await?;
        role.ok_or_else(|| not_found("workspace"))?;
        Ok(part)
    }

    async fn line(&mut self, line: String) -> Result<(), Stop> {
        self.text.put_slice(line.as_bytes());
        self.text.put_u8(b'\n');
        if self.text.len() >= PIECE {
            let piece = self.take();
            self.sink.pass(piece).await?;
        }
        Ok(())
    }

    fn take(&mut self) -> Bytes {
        self.text.split().freeze()
    }
}
