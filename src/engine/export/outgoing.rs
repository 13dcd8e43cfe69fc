//! The archive of an export on its way to the client: it takes lines and sends pieces. Waits for the client after each
//! piece. Does not know what it sends.

use super::running::Place;
use crate::archive::Archive;
use crate::files::FilesError;
use crate::ops::{bug, json};
use crate::store::StoreError;
use bytes::Bytes;
use serde::Serialize;
use std::io;
use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, Timestamp};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// After so many bytes, before they are compressed, what the archive has is sent. Compressing them takes a millisecond or
/// two; then other work has its turn.
const PIECE: usize = 64 * 1024;
/// The longest time of an export. A client that takes little by little must not keep its place for ever.
const LONGEST: Duration = Duration::from_hours(1);
/// A file with as many lines may have 4 GiB: no row makes a line of 32 KiB.
const MANY_LINES: u64 = 1 << 17;

/// What goes to the client.
pub(super) enum Piece {
    /// A piece of the archive.
    Next(Bytes),
    /// The last piece of it: the archive is whole.
    Last(Bytes),
    /// There will be no whole archive.
    Failed(Failure),
}

/// Why an export ends early.
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
        tracing::error!(error = %error, "an archive cannot be written");
        Stop::Failed(bug("an archive cannot be written"))
    }
}

type Result<T> = std::result::Result<T, Stop>;

/// The archive.
pub(super) struct Outgoing {
    archive: Archive,
    pieces: mpsc::Sender<Piece>,
    /// Kept until the last piece: a client that has the whole archive can ask for the next one.
    place: Place,
    /// When it has taken too long.
    ends: Instant,
    /// How many bytes were written since the last piece, before they were compressed.
    unsent: usize,
    /// How many bytes were sent.
    sent: usize,
}

impl Outgoing {
    pub(super) fn new(now: Timestamp, begun: Instant, pieces: mpsc::Sender<Piece>, place: Place) -> Outgoing {
        Outgoing {
            archive: Archive::new(now.0),
            pieces,
            place,
            ends: begun + LONGEST,
            unsent: 0,
            sent: 0,
        }
    }

    /// A file with this content.
    pub(super) fn file(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.archive.begin(name, false)?;
        self.archive.write(content)?;
        self.unsent += content.len();
        Ok(())
    }

    /// A file with a value as JSON, indented for people.
    pub(super) fn object(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(value).map_err(io::Error::from)?;
        text.push(b'\n');
        self.file(name, &text)
    }

    /// Begins a file of about so many lines.
    pub(super) fn lines(&mut self, name: &str, number: u64) -> Result<()> {
        Ok(self.archive.begin(name, number >= MANY_LINES)?)
    }

    /// Adds a value as a line of JSON.
    pub(super) async fn line(&mut self, value: &impl Serialize) -> Result<()> {
        self.text(json(value)?).await
    }

    /// Adds a line.
    pub(super) async fn text(&mut self, mut line: String) -> Result<()> {
        line.push('\n');
        self.archive.write(line.as_bytes())?;
        self.unsent += line.len();
        if self.unsent >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    /// Sends what the archive has, and waits until the client has taken what came before.
    pub(super) async fn send(&mut self) -> Result<()> {
        self.unsent = 0;
        let piece = self.archive.take();
        if piece.is_empty() {
            // the compressor may keep much back
            tokio::task::yield_now().await;
            return self.in_time();
        }
        self.sent += piece.len();
        pass(&self.pieces, Piece::Next(piece), self.ends).await
    }

    /// Ends the archive. Returns its size.
    pub(super) async fn finish(mut self) -> Result<usize> {
        let rest = self.archive.finish()?;
        self.sent += rest.len();
        drop(self.place);
        pass(&self.pieces, Piece::Last(rest), self.ends).await?;
        Ok(self.sent)
    }

    /// Fails when the client is gone, or the export has taken too long.
    pub(super) fn in_time(&self) -> Result<()> {
        if self.pieces.is_closed() {
            return Err(Stop::Gone);
        }
        if Instant::now() >= self.ends {
            return Err(too_long());
        }
        Ok(())
    }
}

async fn pass(pieces: &mpsc::Sender<Piece>, piece: Piece, ends: Instant) -> Result<()> {
    match timeout_at(ends, pieces.send(piece)).await {
        Ok(sent) => sent.map_err(|_| Stop::Gone),
        Err(_) => Err(too_long()),
    }
}

fn too_long() -> Stop {
    let message = "the export took more than an hour; read it faster";
    Stop::Failed(Failure::new(ErrorCode::Timeout, message))
}
