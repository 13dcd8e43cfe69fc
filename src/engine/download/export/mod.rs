//! An account's own data as one archive.
//!
//! - `contents`  what is in the archive
//! - `uploads`   what an account uploaded to tasks
//! - `outgoing`  the archive on its way to the client

mod contents;
mod outgoing;
mod uploads;

use super::pieces::{Pieces, Sink, Stop, body};
use super::running::{Place, Room, Running};
use crate::auth::limits::Limit;
use crate::engine::{Caller, Engine};
use contents::Contents;
use outgoing::Outgoing;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{Failure, Timestamp};
use tracing::Instrument as _;

/// The longest time of an export. A client that takes little by little must not keep its place for ever.
const LONGEST: Duration = Duration::from_hours(1);
/// Each needs up to two MiB.
static ROOM: Room = Room {
    each: 1,
    all: 16,
    already: "an export of your data is running; wait until it has ended, or cancel it",
    too_many: "too many exports at once; try again shortly",
    retry_after_ms: 10_000,
};

pub(super) fn running() -> Running {
    Running::new(&ROOM)
}

/// An export that has begun.
pub struct Export {
    /// The day on which it began, by UTC: `2026-11-29`.
    pub day: String,
    /// The archive.
    pub pieces: Pieces,
}

impl Engine {
    /// Begins an export of the caller's own data. It ends when it is dropped.
    pub async fn export(&self, caller: Arc<Caller>) -> Result<Export, Failure> {
        let place = self.0.downloads.exports.take(caller.user.id)?;
        self.0.limits.take(Limit::Exports, caller.user.id).await?;
        let now = Timestamp(self.0.clock.now_ms());
        let (sink, pieces) = body(LONGEST);
        let engine = self.clone();
        let work = async move { engine.carry_out(&caller, now, sink, place).await };
        tokio::spawn(work.in_current_span());
        let day = now.to_string().chars().take_while(|char| *char != 'T').collect();
        Ok(Export { day, pieces })
    }

    async fn carry_out(&self, caller: &Arc<Caller>, now: Timestamp, sink: Sink, place: Place) {
        let outgoing = Outgoing::new(now, sink.clone(), place);
        let written = Contents::new(self, caller, outgoing).write(now).await;
        let (user, duration_ms) = (caller.user.id, sink.took().as_millis());
        match written {
            Ok(bytes) => {
                tracing::info!(user.id = %user, bytes, duration_ms, "exported the data of an account");
            }
            Err(Stop::Gone) => tracing::debug!(user.id = %user, duration_ms, "the client left its export"),
            Err(Stop::Failed(failure)) => {
                let (code, reason) = (failure.code, &*failure.message);
                tracing::warn!(user.id = %user, duration_ms, ?code, reason, "an export broke off");
                sink.fail(failure);
            }
        }
    }
}
