//! `POST /v1/rpc` carries out a request frame, or an array of frames in order; each answer of an array is sent before
//! the next frame begins. The operations are those of the socket, except those that only a socket can carry out.

mod array;

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use serde_json::value::RawValue;
use taskwire_protocol::frames::{NotARequest, RequestFrame, RequestId};
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, ErrorCode, Failure, Request};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span};

use super::body::{self, Held, Permit};
use super::caller;
use super::outer;
use crate::engine::{Caller, Delivery, Incoming, Measure, Origin, Sender};
use crate::peer::{self, Peer};
use crate::reply::frames;
use crate::reply::refusal::{self, Refusal};
use crate::state::App;

/// What all frames of a body share.
struct Call {
    app: Arc<App>,
    /// `None` without a token. If the token is refused, so is each frame.
    caller: Result<Option<Arc<Caller>>, Failure>,
    origin: Origin,
    request_id: Arc<str>,
    /// A frame that has not begun by this time is refused.
    ends: Instant,
}

/// An answer frame, and the failure that gives it its status.
struct AnswerFrame {
    frame: String,
    failure: Option<Failure>,
}

/// `POST /v1/rpc`
pub(super) async fn call(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Extension(outer::RequestId(request_id)): Extension<outer::RequestId>,
    request: axum::extract::Request,
) -> Result<Response, Refusal> {
    let ends = Instant::now() + outer::PATIENCE;
    let (head, body) = request.into_parts();
    body::is_json(&head.headers)?;
    let call = Call {
        caller: caller::caller(&app, &head.headers).await,
        origin: peer::origin(peer, &head.headers, &app.settings),
        app,
        request_id,
        ends,
    };
    let Held { bytes, place } = body::held(body, || call.most()).await?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(Failure::new(ErrorCode::BadFrame, "the body is not UTF-8").into());
    };
    if !text.trim_ascii_start().starts_with('[') {
        return Ok(call.answer(text).await.into_response());
    }
    let frames = array::frames(text, call.app.settings.batch_ops)?;
    if frames.is_empty() {
        return Ok(respond(StatusCode::OK, "[]"));
    }
    Ok(respond(StatusCode::OK, call.answers(frames, place)))
}

impl Call {
    /// The largest body that this caller may send, in bytes.
    fn most(&self) -> Result<usize, Failure> {
        match &self.caller {
            Ok(Some(_)) => Ok(super::rpc_body(&self.app.settings)),
            Ok(None) => Err(Failure::new(
                ErrorCode::PayloadTooLarge,
                "without a token the body can have at most 1 MiB",
            )),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// The answers of an array. Each is made after the previous one was sent, so only one is in memory at a time. A
    /// frame waits until the client reads the answers before it, and never begins if the client disconnects.
    fn answers(self, frames: Vec<Box<RawValue>>, place: Option<Permit>) -> Body {
        let work = (self, frames.into_iter(), place, Span::current());
        let answers = stream::unfold(work, async |(call, mut frames, place, span)| {
            let frame = frames.next()?;
            let answer = call.in_time(frame.get()).instrument(span.clone()).await;
            Some((answer.frame, (call, frames, place, span)))
        });
        let pieces = answers.enumerate().flat_map(|(at, answer)| {
            let before = if at == 0 { "[" } else { "," };
            stream::iter([Bytes::from(before), Bytes::from(answer)])
        });
        let end = stream::iter([Bytes::from("]")]);
        Body::from_stream(pieces.chain(end).map(Ok::<_, Infallible>))
    }

    /// The answer to one frame of several. Together they have the time of one request. A panic must be caught here,
    /// because the response has already begun.
    async fn in_time(&self, text: &str) -> AnswerFrame {
        let late = || {
            Failure::new(
                ErrorCode::Timeout,
                "the request took too long; send it again, with the same op_id if it has one",
            )
        };
        let failure = if Instant::now() < self.ends {
            let answer = AssertUnwindSafe(self.answer(text)).catch_unwind();
            match timeout_at(self.ends, answer).await {
                Ok(Ok(answer)) => return answer,
                Ok(Err(panic)) => super::failed(panic),
                Err(_) => late(),
            }
        } else {
            late()
        };
        self.refuse(frames::id_of(text).as_ref(), failure)
    }

    async fn answer(&self, text: &str) -> AnswerFrame {
        let since = Instant::now();
        let limit = self.app.settings.frame_bytes;
        if text.len() > limit {
            let failure = Failure::new(
                ErrorCode::PayloadTooLarge,
                format!("a frame has at most {limit} bytes"),
            );
            return self.refuse(frames::id_of(text).as_ref(), failure);
        }
        let frame = match RequestFrame::parse(text) {
            Ok(frame) => frame,
            Err(NotARequest::BadFrame(message)) => {
                return self.refuse(None, Failure::new(ErrorCode::BadFrame, message));
            }
            Err(NotARequest::Invalid(id, failure)) => return self.refuse(id.as_ref(), *failure),
        };
        let reply = match self.incoming(&frame, since) {
            Ok(incoming) => self.app.engine.dispatch(incoming).await,
            Err(failure) => {
                let refused = Err(failure);
                Measure::named(&frame.r#type, since).end(&refused);
                refused
            }
        };
        match reply {
            Ok(reply) => AnswerFrame {
                frame: frames::ok(frame.id.as_ref(), &reply),
                failure: None,
            },
            Err(failure) => self.refuse(frame.id.as_ref(), failure),
        }
    }

    /// The request of a frame. Without a token the answer is `AUTH_REQUIRED`, before the frame's parameters are
    /// checked.
    fn incoming(&self, frame: &RequestFrame<'_>, since: Instant) -> Result<Incoming, Failure> {
        let caller = self.caller.clone()?;
        let row = CATALOG.iter().find(|row| row.name == frame.r#type);
        if caller.is_none() && row.is_none_or(|row| row.access != Access::Anyone) {
            return Err(caller::auth_required());
        }
        Ok(Incoming {
            request: Request::read(&frame.r#type, frame.data)?,
            op_id: frame.op_id,
            sender: Sender {
                caller,
                origin: self.origin.clone(),
                delivery: Delivery::Body,
                request_id: Some(self.request_id.clone()),
            },
            since,
        })
    }

    fn refuse(&self, id: Option<&RequestId>, mut failure: Failure) -> AnswerFrame {
        AnswerFrame {
            frame: refusal::frame(id, &mut failure, &self.request_id),
            failure: Some(failure),
        }
    }
}

impl IntoResponse for AnswerFrame {
    fn into_response(self) -> Response {
        let status = self
            .failure
            .as_ref()
            .map_or(StatusCode::OK, |failure| refusal::status(failure.code));
        let mut response = respond(status, self.frame);
        if let Some(failure) = &self.failure {
            refusal::say_when(response.headers_mut(), failure, status);
        }
        response
    }
}

fn respond(status: StatusCode, body: impl Into<Body>) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")],
        body.into(),
    )
        .into_response()
}
