//! The HTTP library itself answers a request that is not valid HTTP, with a status and nothing else (a bare answer).
//! The stream here is below the library, and replaces a bare answer by ours: with an id, the security headers and an
//! error body.
//!
//! It looks at what is written only while no route is at work ([`Turn`]). Then the first bytes are the library's own. The
//! answer of a route is never looked at, whatever text it contains.
//!
//! A route may also take the connection over ([`line`]): after the head of its answer the library has nothing more to do
//! with it.

mod line;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use hyper::body::{Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::headers::{X_REQUEST_ID, secure};
use super::refusal;
use super::taking::Taking;
use crate::config::Settings;

pub use line::Line;

/// No route is at work, and all that routes answered is written. What comes next is the library's own answer.
const LIBRARY: u64 = 0;
/// A route was asked.
const ROUTE: u64 = 1;
/// The library has all of the route's answer; the end of it may wait to be written.
const ENDING: u64 = 2;
/// The step from one turn to the next; what is below it is the state of the turn.
const TURN: u64 = 4;

/// Whose answer is written on a connection: the library's or a route's. Turns are numbered, because the library may drop the
/// answer of one route after it has asked the next. Clones are the same.
#[derive(Clone, Default)]
pub struct Turn(Arc<AtomicU64>);

impl Turn {
    /// A route is asked; it is at work until this is dropped.
    pub fn of_route(&self) -> RouteAtWork {
        // one task serves a connection, so nobody else begins a turn meanwhile
        let number = (self.0.load(Ordering::Acquire) / TURN + 1) * TURN;
        self.0.store(number + ROUTE, Ordering::Release);
        RouteAtWork {
            turn: self.clone(),
            number,
        }
    }

    /// Whether no request came yet.
    pub fn is_new(&self) -> bool {
        self.0.load(Ordering::Acquire) == 0
    }

    /// Whether no request is under way: the next one is awaited, or the first.
    pub fn is_idle(&self) -> bool {
        self.is_of_library()
    }

    /// Everything that the library was given has been written.
    fn written(&self) {
        let now = self.0.load(Ordering::Acquire);
        if now % TURN == ENDING {
            self.change(now, now - ENDING + LIBRARY);
        }
    }

    fn is_of_library(&self) -> bool {
        self.0.load(Ordering::Acquire) % TURN == LIBRARY
    }

    fn change(&self, from: u64, to: u64) {
        let _is_another_turn = self
            .0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }
}

/// A route is at work as long as this is there.
pub struct RouteAtWork {
    turn: Turn,
    number: u64,
}

impl Drop for RouteAtWork {
    fn drop(&mut self) {
        self.turn.change(self.number + ROUTE, self.number + ENDING);
    }
}

/// The body of a route's answer: the route is at work until the library has taken all of it.
pub struct RouteBody {
    /// The body itself.
    pub body: Body,
    /// Dropped with the body.
    pub at_work: RouteAtWork,
}

impl hyper::body::Body for RouteBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection until it is closed, becomes a socket, or is taken over.
pub struct HttpStream {
    /// `None`: it was taken over. The library does not know, and what it still writes is its end of the answer.
    tcp: Option<Taking>,
    settings: Arc<Settings>,
    turn: Turn,
    line: Line,
    /// Our answer that replaces a bare one and is not fully written yet.
    own: Option<Own>,
}

struct Own {
    bytes: Vec<u8>,
    written: usize,
    /// The length of the bare answer. The library is told that these bytes were written.
    stands_for: usize,
}

impl HttpStream {
    /// Wraps a connection from which nothing was read yet. Who serves it says with `turn` when a route is at work.
    pub fn new(tcp: TcpStream, settings: Arc<Settings>, turn: Turn) -> HttpStream {
        HttpStream {
            tcp: Some(Taking::new(tcp)),
            settings,
            turn,
            line: Line::default(),
            own: None,
        }
    }

    /// The wrapped connection, unless it was taken over.
    pub fn into_inner(self) -> Option<TcpStream> {
        self.tcp.map(Taking::into_inner)
    }

    /// By this a route takes the connection over.
    pub fn line(&self) -> Line {
        self.line.clone()
    }

    /// Prepares our own answer if `bytes` are a bare one.
    fn look(&mut self, bytes: &[u8]) {
        if self.own.is_none()
            && self.turn.is_of_library()
            && let Some(status) = failed(bytes)
        {
            self.own = Some(Own {
                bytes: answer(&self.settings, status),
                written: 0,
                stands_for: bytes.len(),
            });
        }
    }

    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<usize>>> {
        let Some(own) = &mut self.own else {
            return Poll::Ready(None);
        };
        while own.written < own.bytes.len() {
            let Some(tcp) = &mut self.tcp else { break };
            match ready!(Pin::new(tcp).poll_write(cx, &own.bytes[own.written..])) {
                Ok(0) => return Poll::Ready(Some(Err(io::ErrorKind::WriteZero.into()))),
                Ok(written) => own.written += written,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let stands_for = own.stands_for;
        self.own = None;
        Poll::Ready(Some(Ok(stands_for)))
    }
}

impl Read for HttpStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.tcp {
            Some(tcp) => Pin::new(tcp).poll_read(cx, bytes),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl Write for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.look(bytes);
        match ready!(self.poll_own(cx)) {
            Some(written) => Poll::Ready(written),
            None => match &mut self.tcp {
                Some(tcp) => Pin::new(tcp).poll_write(cx, bytes),
                None => Poll::Ready(Ok(bytes.len())),
            },
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.look(parts.first().map_or(&[], |part| part));
        match ready!(self.poll_own(cx)) {
            Some(written) => Poll::Ready(written),
            None => match &mut self.tcp {
                Some(tcp) => Pin::new(tcp).poll_write_vectored(cx, parts),
                None => Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum())),
            },
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.as_ref().is_none_or(Write::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(tcp) = &mut self.tcp {
            ready!(Pin::new(tcp).poll_flush(cx))?;
        }
        // the library flushes only when nothing waits in its own buffer
        self.turn.written();
        if let Some(heir) = self.line.heir()
            && let Some(tcp) = self.tcp.take()
        {
            heir.gets(tcp.into_inner());
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.tcp {
            Some(tcp) => Pin::new(tcp).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// The status of a failure, from the first bytes of its answer.
fn failed(bytes: &[u8]) -> Option<StatusCode> {
    let rest = bytes.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

fn answer(settings: &Settings, status: StatusCode) -> Vec<u8> {
    let failure = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Failure::new(
            ErrorCode::BadFrame,
            "too many or too large headers: a request can have 64 headers, and 16 KiB together",
        ),
        status => refusal::of_status(status),
    };
    let id = Uuid::new_v4().to_string();
    let body = refusal::body(&failure, &id);
    let mut headers = HeaderMap::new();
    secure(settings, &mut headers);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut answer = format!(
        "HTTP/1.1 {} {reason}\r\n{}: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: \
         close\r\n",
        status.as_u16(),
        X_REQUEST_ID,
        body.len()
    )
    .into_bytes();
    for (name, value) in &headers {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"\r\n");
    answer.extend_from_slice(body.as_bytes());
    let labels = [
        ("route", "unknown".to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("taskwire_http_requests_total", &labels).increment(1);
    answer
}

#[cfg(test)]
mod tests;
