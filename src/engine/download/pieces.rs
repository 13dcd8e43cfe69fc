//! A body on its way to the client: a writer that waits for the client after each piece, and what the transport takes the
//! pieces from. Does not know what is in them.

use crate::files::FilesError;
use crate::ops::bug;
use crate::store::StoreError;
use bytes::Bytes;
use std::io;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

enum Piece {
    /// A piece of the body.
    Next(Bytes),
    /// The last piece of it: the body is whole.
    Last(Bytes),
    /// There will be no whole body.
    Failed(Failure),
}

/// What the transport takes. The work ends when this is dropped.
pub struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    is_over: bool,
}

impl Pieces {
    /// The next piece of the body; `None` after the last one. After an error the body is not whole.
    pub async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        if self.is_over {
            return None;
        }
        let piece = self.pieces.recv().await;
        let piece = piece.unwrap_or_else(|| Piece::Failed(bug("a body ended before its last piece")));
        self.is_over = !matches!(piece, Piece::Next(_));
        Some(match piece {
            Piece::Next(bytes) | Piece::Last(bytes) => Ok(bytes),
            Piece::Failed(failure) => Err(failure),
        })
    }
}

/// Why a body ends early.
pub(super) enum Stop {
    /// The client is gone.
    Gone,
    /// Something failed.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Failed(error.into())
    }
}

impl From<FilesError> for Stop {
    fn from(error: FilesError) -> Stop {
        Stop::Failed(error.into())
    }
}

/// Writing into memory fails only if the format does not allow it.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        tracing::error!(error = %error, "a body cannot be written");
        Stop::Failed(bug("a body cannot be written"))
    }
}

/// Where a body is written. Clones write the same body.
#[derive(Clone)]
pub(super) struct Sink {
    pieces: mpsc::Sender<Piece>,
    begun: Instant,
    longest: Duration,
}

/// A body that takes `longest` at most, from now on.
pub(super) fn body(longest: Duration) -> (Sink, Pieces) {
    let (sender, receiver) = mpsc::channel(1);
    let sink = Sink {
        pieces: sender,
        begun: Instant::now(),
        longest,
    };
    let is_over = false;
    (
        sink,
        Pieces {
            pieces: receiver,
            is_over,
        },
    )
}

impl Sink {
    /// Hands a piece on, and waits until the client has taken what came before.
    pub(super) async fn pass(&self, piece: Bytes) -> Result<(), Stop> {
        self.send(Piece::Next(piece)).await
    }

    /// Hands the last piece on.
    pub(super) async fn end(&self, piece: Bytes) -> Result<(), Stop> {
        self.send(Piece::Last(piece)).await
    }

    async fn send(&self, piece: Piece) -> Result<(), Stop> {
        match timeout_at(self.begun + self.longest, self.pieces.send(piece)).await {
            Ok(sent) => sent.map_err(|_| Stop::Gone),
            Err(_) => Err(self.too_long()),
        }
    }

    /// Tells the client that the body is not whole. A client that takes nothing any more has nobody to tell.
    pub(super) fn fail(&self, failure: Failure) {
        let _ = self.pieces.try_send(Piece::Failed(failure));
    }

    /// Fails when the client is gone, or the body has taken too long.
    pub(super) fn in_time(&self) -> Result<(), Stop> {
        if self.pieces.is_closed() {
            return Err(Stop::Gone);
        }
        if self.begun.elapsed() >= self.longest {
            return Err(self.too_long());
        }
        Ok(())
    }

    /// How long the body has taken.
    pub(super) fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    fn too_long(&self) -> Stop {
        let minutes = self.longest.as_secs() / 60;
        let message = format!("the answer took more than {minutes} minutes; read it faster");
        Stop::Failed(Failure::new(ErrorCode::Timeout, message))
    }
}
