//! A request's body as text of a media type that the route takes, and how many large ones are held at once.

use axum::body::{Bytes, HttpBody as _};
use axum::extract::Request;
use axum::extract::rejection::BytesRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::Next;
use axum::response::Response;
use serde_json::{Map, Value};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::sync::Semaphore;

use super::{BODY, Refusal};

/// Places for bodies that are large, or do not say how large they are.
static LARGE: Semaphore = Semaphore::const_new(16);

/// What the `Bytes` extractor came to.
pub(super) type Read = Result<Bytes, BytesRejection>;

/// The media types that routes take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// Which of them a request's body is; nothing said counts as JSON.
pub(super) fn media(headers: &HeaderMap) -> Result<Media, Failure> {
    let kind = headers
        .get(CONTENT_TYPE)
        .map_or("application/json", |kind| kind.to_str().unwrap_or(""));
    match kind
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "application/json" => Ok(Media::Json),
        "application/x-www-form-urlencoded" => Ok(Media::Form),
        _ => Err(Failure::new(
            ErrorCode::UnsupportedMedia,
            "the body is application/json",
        )),
    }
}

/// Takes large bodies a few at a time; the others wait in the kernel, and at their own ends.
pub(super) async fn in_turn(request: Request, next: Next) -> Response {
    let size = request.body().size_hint().upper();
    let _place = if size.is_some_and(|bytes| bytes <= BODY as u64) {
        None
    } else {
        LARGE.acquire().await.ok()
    };
    next.run(request).await
}

/// The body of a route that takes JSON alone.
pub(super) fn json(headers: &HeaderMap, body: Read) -> Result<Bytes, Refusal> {
    let bytes = bytes(body)?;
    match media(headers)? {
        Media::Json => Ok(bytes),
        Media::Form => Err(Failure::new(ErrorCode::UnsupportedMedia, "the body is application/json").into()),
    }
}

/// The body, whatever it is.
pub(super) fn bytes(body: Read) -> Result<Bytes, Refusal> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::new(ErrorCode::PayloadTooLarge, "the body is too large").into()
        }
        _ => Failure::new(ErrorCode::BadFrame, "the body broke off").into(),
    })
}

/// A JSON object; an empty body is an empty one.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Failure> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    let bad = |message| Failure::new(ErrorCode::BadFrame, message);
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad("the body is a JSON object")),
        Err(_) => Err(bad("the body is not JSON")),
    }
}
