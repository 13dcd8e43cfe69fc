//! A failure as an HTTP answer: status, headers, and body, which on `/v1/rpc` is an error frame. `http` writes the
//! body, because it knows the request's id.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use taskwire_protocol::frames::RequestId;
use taskwire_protocol::http::HttpError;
use taskwire_protocol::{ErrorCode, Failure};

use super::frames;
use super::headers::{X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING, X_RATELIMIT_RESET};

/// A failure, its status, and further headers.
#[derive(Debug)]
pub struct Refusal {
    /// What went wrong.
    pub failure: Box<Failure>,
    /// Further headers.
    pub headers: HeaderMap,
    status: StatusCode,
}

impl Refusal {
    /// Replaces the status that follows from the code.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Refusal {
        self.status = status;
        self
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal {
            status: status(failure.code),
            failure: Box::new(failure),
            headers: HeaderMap::new(),
        }
    }
}

/// The status of an error code.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A response's failure, in its extensions until the body is written.
#[derive(Clone)]
pub(crate) struct Waiting(pub(crate) Box<Failure>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.headers_mut().extend(self.headers);
        say_when(response.headers_mut(), &self.failure, self.status);
        response.extensions_mut().insert(Waiting(self.failure));
        response
    }
}

/// Sets the headers that tell a client what to do next: sign in, or retry later.
pub(crate) fn say_when(headers: &mut HeaderMap, failure: &Failure, status: StatusCode) {
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
    if let Some(wait_ms) = failure.retry_after_ms.or_else(|| unavailable.then_some(1000)) {
        let seconds = wait_ms.div_ceil(1000).max(1);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        if let Some(limit) = limit_of(failure) {
            headers.insert(X_RATELIMIT_LIMIT, HeaderValue::from(limit));
            headers.insert(X_RATELIMIT_REMAINING, HeaderValue::from(0));
            headers.insert(X_RATELIMIT_RESET, HeaderValue::from(seconds));
        }
    }
}

/// The number of the limit that refused the request.
fn limit_of(failure: &Failure) -> Option<u64> {
    failure.context.as_ref()?.get("limit")?.as_u64()
}

/// The body of every error but those of `/v1/rpc`.
pub(crate) fn body(failure: &Failure, request_id: &str) -> String {
    // strings and numbers always encode
    serde_json::to_string(&HttpError::new(failure, request_id)).unwrap_or_default()
}

/// The body of an error on `/v1/rpc`: the frame that a socket would send.
pub(crate) fn frame(id: Option<&RequestId>, failure: &mut Failure, request_id: &str) -> String {
    if failure.request_id.is_empty() {
        request_id.clone_into(&mut failure.request_id);
    }
    frames::error(id, failure)
}

/// The failure for a status that was answered without a `Failure`, for example by the router.
pub(crate) fn of_status(status: StatusCode) -> Failure {
    let (code, message) = match status {
        StatusCode::NOT_FOUND => (ErrorCode::NotFound, "no such path"),
        StatusCode::METHOD_NOT_ALLOWED => {
            (ErrorCode::MethodNotAllowed, "the path does not allow this method")
        }
        StatusCode::PAYLOAD_TOO_LARGE => (ErrorCode::PayloadTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ErrorCode::UnsupportedMedia, "the media type is not supported")
        }
        StatusCode::UNPROCESSABLE_ENTITY => (ErrorCode::ValidationError, "the request is not valid"),
        StatusCode::SERVICE_UNAVAILABLE => (ErrorCode::Unavailable, "temporarily unavailable; try again"),
        status if status.is_client_error() => (ErrorCode::BadFrame, "the request cannot be read"),
        _ => (ErrorCode::InternalError, "internal server error"),
    };
    Failure::new(code, message)
}
