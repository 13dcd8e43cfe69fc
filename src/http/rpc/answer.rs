//! An answer frame on its way out: its status, and its text in pieces. A long answer to somebody whose session ends
//! meanwhile is cut off, so that the client sees that it is not whole. Does not know what was asked.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures_util::{Stream, StreamExt as _, stream};
use taskwire_protocol::Failure;

use crate::engine::Caller;
use crate::reply::refusal;
use crate::state::App;

/// How much goes out before the session is looked at again.
const PIECE: usize = 64 * 1024;

/// A piece of a body.
type Piece = io::Result<Bytes>;

/// An answer frame.
pub(super) struct AnswerFrame {
    /// Its text.
    pub(super) frame: String,
    /// What gives it its status.
    pub(super) failure: Option<Failure>,
    /// Whose data it holds.
    pub(super) caller: Option<Arc<Caller>>,
}

impl AnswerFrame {
    /// The answer to a body that is one frame.
    pub(super) fn respond(self, app: &Arc<App>) -> Response {
        let failure = self.failure.clone();
        let status = failure
            .as_ref()
            .map_or(StatusCode::OK, |failure| refusal::status(failure.code));
        let length = self.frame.len();
        let body = if length > PIECE {
            Body::from_stream(self.pieces(app))
        } else {
            Body::from(self.frame)
        };
        let mut response = respond(status, body);
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        if let Some(failure) = &failure {
            refusal::say_when(response.headers_mut(), failure, status);
        }
        response
    }

    /// Its text. Each piece is made when the one before it was sent.
    pub(super) fn pieces(self, app: &Arc<App>) -> impl Stream<Item = Piece> + Send + use<> {
        let (app, caller) = (app.clone(), self.caller);
        let work = (Bytes::from(self.frame), true);
        let pieces = stream::try_unfold(work, move |(mut rest, first)| {
            let (app, caller) = (app.clone(), caller.clone());
            async move {
                if rest.is_empty() {
                    return Ok(None);
                }
                if let (false, Some(caller)) = (first, &caller)
                    && app.engine.has_ended(caller).await
                {
                    return Err(io::Error::other("the session ended during the answer"));
                }
                let piece = rest.split_to(rest.len().min(PIECE));
                Ok(Some((piece, (rest, false))))
            }
        });
        pieces.boxed()
    }
}

/// Text between answers.
pub(super) fn text(text: &'static str) -> impl Stream<Item = Piece> + Send {
    stream::iter([Ok(Bytes::from_static(text.as_bytes()))])
}

/// An answer with this body.
pub(super) fn respond(status: StatusCode, body: Body) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}
