//! The archive of an export on its way to the client: it takes lines and sends pieces. Waits for the client after each
//! piece. Does not know what it sends.

use super::super::pieces::{Sink, Stop};
use super::super::running::Place;
use crate::archive::Archive;
use crate::ops::json;
use serde::Serialize;
use std::io;
use taskwire_protocol::Timestamp;

/// After so many bytes, before they are compressed, what the archive has is sent. Compressing them takes a millisecond or
/// two; then other work has its turn.
const PIECE: usize = 64 * 1024;
/// A file with as many lines may have 4 GiB: no row makes a line of 32 KiB.
const MANY_LINES: u64 = 1 << 17;
/// A file of as many bytes may have 4 GiB when it is compressed: what is random gets a little larger.
const LARGE: u64 = 4_000_000_000;

type Result<T> = std::result::Result<T, Stop>;

/// The archive.
pub(super) struct Outgoing {
    archive: Archive,
    sink: Sink,
    /// Kept until the last piece: a client that has the whole archive can ask for the next one.
    place: Place,
    /// How many bytes were written since the last piece, before they were compressed.
    unsent: usize,
    /// How many bytes were sent.
    sent: usize,
}

impl Outgoing {
    pub(super) fn new(now: Timestamp, sink: Sink, place: Place) -> Outgoing {
        Outgoing {
            archive: Archive::new(now.0),
            sink,
            place,
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

    /// Begins a file of this size, whose content comes in pieces.
    pub(super) fn begin(&mut self, name: &str, size: u64) -> Result<()> {
        Ok(self.archive.begin(name, size > LARGE)?)
    }

    /// Adds a piece of the content.
    pub(super) async fn piece(&mut self, piece: &[u8]) -> Result<()> {
        for part in piece.chunks(PIECE) {
            self.archive.write(part)?;
            self.unsent += part.len();
            if self.unsent >= PIECE {
                self.send().await?;
            }
        }
        Ok(())
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
            return self.sink.in_time();
        }
        self.sent += piece.len();
        self.sink.pass(piece).await
    }

    /// Ends the archive. Returns its size.
    pub(super) async fn finish(mut self) -> Result<usize> {
        let rest = self.archive.finish()?;
        self.sent += rest.len();
        drop(self.place);
        self.sink.end(rest).await?;
        Ok(self.sent)
    }

    /// Fails when the client is gone, or the export has taken too long.
    pub(super) fn in_time(&self) -> Result<()> {
        self.sink.in_time()
    }
}
