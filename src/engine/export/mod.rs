//! An account's own data as one archive. A task of its own reads it in short pages and writes the archive; the transport
//! takes it piece by piece. Between two pages the task holds no connection to the database, so a slow client costs only
//! the memory of two pieces. What ends early never looks whole: the last piece is marked.
//!
//! - `contents`  what is in the archive
//! - `outgoing`  the archive on its way to the client
//! - `running`   who exports now

mod contents;
mod outgoing;
mod running;

use super::{Caller, Engine};
use crate::auth::limits::Limit;
use crate::ops::bug;
use bytes::Bytes;
use contents::Contents;
use outgoing::{Outgoing, Piece, Stop};
use std::sync::Arc;
use taskwire_protocol::{Failure, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::Instrument as _;

use running::Place;
pub(super) use running::Running;

/// An export that has begun.
pub struct Export {
    /// The day on which it began, by UTC: `2026-11-29`.
    pub day: String,
    pieces: mpsc::Receiver<Piece>,
    is_over: bool,
}

impl Export {
    /// The next piece of the archive; `None` after the last one. After an error the archive is not whole.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if self.is_over {
            return None;
        }
        let piece = self.pieces.recv().await;
        let piece = piece.unwrap_or_else(|| Piece::Failed(bug("an export ended before its archive")));
        self.is_over = !matches!(piece, Piece::Next(_));
        Some(match piece {
            Piece::Next(bytes) | Piece::Last(bytes) => Ok(bytes),
            Piece::Failed(failure) => Err(failure),
        })
    }
}

impl Engine {
    /// Begins an export of the caller's own data. It ends when it is dropped.
    pub async fn export(&self, caller: Arc<Caller>) -> Result<Export, Failure> {
        let place = self.0.exports.take(caller.user.id)?;
        self.0.limits.take(Limit::Exports, caller.user.id).await?;
        let now = Timestamp(self.0.clock.now_ms());
        let (pieces, receiver) = mpsc::channel(1);
        let engine = self.clone();
        let work = async move { engine.carry_out(&caller, now, pieces, place).await };
        tokio::spawn(work.in_current_span());
        Ok(Export {
            day: now.to_string().chars().take_while(|char| *char != 'T').collect(),
            pieces: receiver,
            is_over: false,
        })
    }

    async fn carry_out(
        &self,
        caller: &Arc<Caller>,
        now: Timestamp,
        pieces: mpsc::Sender<Piece>,
        place: Place,
    ) {
        let begun = Instant::now();
        let outgoing = Outgoing::new(now, begun, pieces.clone(), place);
        let written = Contents::new(self, caller, outgoing).write(now).await;
        let (user, duration_ms) = (caller.user.id, begun.elapsed().as_millis());
        match written {
            Ok(bytes) => {
                tracing::info!(user.id = %user, bytes, duration_ms, "exported the data of an account");
            }
            Err(Stop::Gone) => tracing::debug!(user.id = %user, duration_ms, "the client left its export"),
            Err(Stop::Failed(failure)) => {
                let (code, reason) = (failure.code, &*failure.message);
                tracing::warn!(user.id = %user, duration_ms, ?code, reason, "an export broke off");
                // a client that takes nothing any more has nobody to tell
                let _ = pieces.try_send(Piece::Failed(failure));
            }
        }
    }
}
