//! A form with one file (RFC 7578), read as it arrives: the headers of its only field, then its content piece by piece.
//! It never holds more than a piece and the headers, whatever the client sends. Does not know what becomes of the file.
//!
//! - `headers`  what the headers of a field say

pub(super) mod headers;

use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::{Buf as _, BytesMut};
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use memchr::memmem;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::{Instant, timeout_at};

use headers::{Field, parameter};

/// The most bytes of a field's headers.
const HEADERS: usize = 8192;
/// The most characters of a boundary (RFC 2046, section 5.1.1).
const BOUNDARY: usize = 70;
/// The most white space behind a boundary.
const PADDING: usize = 64;
const LINE: &[u8] = b"\r\n";
/// The longest time without a byte.
const SILENCE: Duration = Duration::from_secs(20);
/// A form may take this long, and longer by its size.
const LEAST: Duration = Duration::from_mins(1);
/// The least that arrives in a second of the time that a size gives.
const BYTES_A_SECOND: u64 = 32 * 1024;
/// The least that arrives in a second once the time that any form has is over: slower ones would keep their places, which
/// others wait for.
const SLOWEST: u64 = 8 * 1024;
/// The longest time of any form.
const LONGEST: Duration = Duration::from_hours(6);

/// How fast a form must arrive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// The longest time without a byte.
    pub(super) silence: Duration,
    /// The time that it has, however little arrives.
    pub(super) least: Duration,
    /// Then, the bytes that must have arrived for each second.
    pub(super) slowest: u64,
    /// The longest time of all of it.
    pub(super) longest: Duration,
}

impl Pace {
    /// The pace of a form whose file may be as large.
    pub(super) fn of(bytes: u64) -> Pace {
        let by_size = Duration::from_secs(bytes / BYTES_A_SECOND);
        Pace {
            silence: SILENCE,
            least: LEAST,
            slowest: SLOWEST,
            longest: (LEAST + by_size).min(LONGEST),
        }
    }

    /// Until when the next piece must be there, of a body of which so many bytes arrived since it begun.
    pub(super) fn ends(&self, begun: Instant, arrived: u64) -> Instant {
        let earned = Duration::from_secs_f64(arrived as f64 / self.slowest as f64);
        let all = begun + self.least.saturating_add(earned).min(self.longest);
        all.min(Instant::now() + self.silence)
    }
}

/// The file of a form.
pub(super) struct FormFile {
    /// The name that the client gives it; empty if it gives none.
    pub(super) name: String,
    /// Its content. It ends with an error if the form does not end behind the file.
    pub(super) content: BoxStream<'static, Result<Bytes, Failure>>,
}

/// Reads a form up to the content of its file.
pub(super) async fn file(headers: &HeaderMap, body: Body, pace: Pace) -> Result<FormFile, Failure> {
    let mut form = Form::new(&boundary(headers)?, body, pace);
    form.open().await?;
    let field = form.field().await?;
    let name = field.file()?;
    let content = try_unfold(Some(form), async |form| {
        let Some(mut form) = form else { return Ok(None) };
        let piece = form.piece().await?;
        if piece.is_last {
            form.close().await?;
        }
        Ok(Some((piece.bytes, (!piece.is_last).then_some(form))))
    });
    let content = content.boxed();
    Ok(FormFile { name, content })
}

/// The boundary between a form's fields.
pub(super) fn boundary(headers: &HeaderMap) -> Result<String, Failure> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let (kind, parameters) = kind.unwrap_or_default().split_once(';').unwrap_or_default();
    let boundary = parameter(parameters, "boundary")
        .filter(|boundary| (1..=BOUNDARY).contains(&boundary.len()) && boundary.is_ascii());
    match boundary {
        Some(boundary) if kind.trim().eq_ignore_ascii_case("multipart/form-data") => Ok(boundary),
        _ => {
            let message = "send a form: the Content-Type multipart/form-data with its boundary";
            Err(Failure::new(ErrorCode::UnsupportedMedia, message))
        }
    }
}

/// A form on its way.
struct Form {
    body: BodyDataStream,
    /// What stands between fields: a line break, two dashes and the boundary.
    delimiter: Vec<u8>,
    /// What arrived and was not handed on.
    held: BytesMut,
    pace: Pace,
    begun: Instant,
    /// Bytes of the body so far.
    arrived: u64,
}

/// A piece of a field's content.
struct Piece {
    bytes: Bytes,
    is_last: bool,
}

impl Form {
    fn new(boundary: &str, body: Body, pace: Pace) -> Form {
        Form {
            body: body.into_data_stream(),
            delimiter: format!("\r\n--{boundary}").into_bytes(),
            // the first boundary may stand at the beginning: as if a line ended before it
            held: BytesMut::from(LINE),
            pace,
            begun: Instant::now(),
            arrived: 0,
        }
    }

    /// Reads the next bytes of the body. Returns whether there were any.
    async fn more(&mut self) -> Result<bool, Failure> {
        let ends = self.pace.ends(self.begun, self.arrived);
        let piece = timeout_at(ends, self.body.next()).await;
        let piece = piece.map_err(|_| Failure::new(ErrorCode::Timeout, "the file did not arrive in time"))?;
        match piece {
            Some(piece) => {
                let piece = piece.map_err(|_| incomplete())?;
                self.arrived += piece.len() as u64;
                self.held.extend_from_slice(&piece);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Reads until so many bytes are held.
    async fn hold(&mut self, bytes: usize) -> Result<(), Failure> {
        while self.held.len() < bytes {
            if !self.more().await? {
                return Err(incomplete());
            }
        }
        Ok(())
    }

    /// Reads the first boundary.
    async fn open(&mut self) -> Result<(), Failure> {
        self.hold(self.delimiter.len()).await?;
        if !self.held.starts_with(&self.delimiter) {
            return Err(malformed("it must begin with its boundary"));
        }
        self.held.advance(self.delimiter.len());
        Ok(())
    }

    /// Reads the headers of a field, behind its boundary.
    async fn field(&mut self) -> Result<Field, Failure> {
        if self.has_ended().await? {
            return Err(Failure::invalid(
                "file",
                "the form has no field; send the file in the field file",
            ));
        }
        let end = loop {
            match memmem::find(&self.held, b"\r\n\r\n") {
                Some(end) if end <= HEADERS => break end,
                // however many bytes came at once
                found if found.is_some() || self.held.len() >= HEADERS + 2 * LINE.len() => {
                    return Err(malformed("the headers of a field are too long"));
                }
                _ if self.more().await? => {}
                _ => return Err(incomplete()),
            }
        };
        let headers = self.held.split_to(end);
        self.held.advance(2 * LINE.len());
        Field::read(&headers)
    }

    /// Whether the form ends behind this boundary. If it does not, the line behind it is empty.
    async fn has_ended(&mut self) -> Result<bool, Failure> {
        self.hold(2).await?;
        if self.held.starts_with(b"--") {
            return Ok(true);
        }
        for _ in 0..PADDING {
            self.hold(2).await?;
            match self.held.first() {
                Some(b' ' | b'\t') => self.held.advance(1),
                _ if self.held.starts_with(LINE) => return Ok(false),
                _ => break,
            }
        }
        Err(malformed("the line of a boundary has more than the boundary"))
    }

    /// The next piece of a field's content.
    async fn piece(&mut self) -> Result<Piece, Failure> {
        loop {
            if let Some(end) = memmem::find(&self.held, &self.delimiter) {
                let bytes = self.held.split_to(end).freeze();
                self.held.advance(self.delimiter.len());
                return Ok(Piece { bytes, is_last: true });
            }
            // the end may be the beginning of a boundary
            let sure = self.held.len().saturating_sub(self.delimiter.len() - 1);
            if sure > 0 {
                let bytes = self.held.split_to(sure).freeze();
                return Ok(Piece {
                    bytes,
                    is_last: false,
                });
            }
            if !self.more().await? {
                return Err(incomplete());
            }
        }
    }

    /// Checks that the form ends behind the file. What follows the end means nothing (RFC 2046, section 5.1.1).
    async fn close(&mut self) -> Result<(), Failure> {
        if self.has_ended().await? {
            return Ok(());
        }
        Err(self.field().await?.one_too_many())
    }
}

fn incomplete() -> Failure {
    Failure::new(ErrorCode::BadFrame, "the form is incomplete")
}

fn malformed(why: &str) -> Failure {
    Failure::new(ErrorCode::BadFrame, format!("the form cannot be read: {why}"))
}

#[cfg(test)]
mod tests;
