//! The HTTP library itself answers a request that is not valid HTTP, with a status and nothing else (a bare answer).
//! The stream here is below the library, and replaces a bare answer by ours: with an id, the security headers and an
//! error body. Does not look at requests, and leaves the answers of routes unchanged.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::http::{HeaderMap, StatusCode};
use hyper::rt::{Read, ReadBufCursor, Write};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::headers::{X_REQUEST_ID, secure};
use super::refusal;
use super::taking::Taking;
use crate::config::Settings;

/// A connection until it is closed or becomes a socket.
pub struct HttpStream {
    tcp: Taking,
    settings: Arc<Settings>,
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
    /// Wraps a connection from which nothing was read yet.
    pub fn new(tcp: TcpStream, settings: Arc<Settings>) -> HttpStream {
        let tcp = Taking::new(tcp);
        HttpStream {
            tcp,
            settings,
            own: None,
        }
    }

    /// The wrapped connection.
    pub fn into_inner(self) -> TcpStream {
        self.tcp.into_inner()
    }

    /// Prepares our own answer if `bytes` are a bare one.
    fn look(&mut self, bytes: &[u8]) {
        if self.own.is_none()
            && let Some(status) = bare(bytes)
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
            match ready!(Pin::new(&mut self.tcp).poll_write(cx, &own.bytes[own.written..])) {
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
        Pin::new(&mut self.tcp).poll_read(cx, bytes)
    }
}

impl Write for HttpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.look(bytes);
        match ready!(self.poll_own(cx)) {
            Some(written) => Poll::Ready(written),
            None => Pin::new(&mut self.tcp).poll_write(cx, bytes),
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
            None => Pin::new(&mut self.tcp).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// The status of a bare answer: a failure without a request id. Every route's answer has an id.
fn bare(bytes: &[u8]) -> Option<StatusCode> {
    let rest = bytes.strip_prefix(b"HTTP/1.")?.get(1..)?.strip_prefix(b" ")?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    let id = X_REQUEST_ID;
    let id = id.as_str().as_bytes();
    let failed = status.is_client_error() || status.is_server_error();
    let has_id = || bytes.windows(id.len()).any(|part| part.eq_ignore_ascii_case(id));
    (failed && !has_id()).then_some(status)
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
mod tests {
    use super::*;

    #[test]
    fn only_a_failure_without_an_id_is_bare() {
        let none = None::<StatusCode>;
        assert_eq!(bare(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), none);
        assert_eq!(bare(b"HTTP/1.1 404 Not Found\r\nX-Request-ID: a\r\n\r\n"), none);
        assert_eq!(bare(b"GET / HTTP/1.1\r\n\r\n"), none);
        let bad = bare(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
        assert_eq!(bad, Some(StatusCode::BAD_REQUEST));
    }
}
