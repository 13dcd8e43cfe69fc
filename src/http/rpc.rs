//! `POST /v1/rpc`: a request frame in, its answer out; or an array of them, carried out in order, each while the answer
//! before it goes out. The operations are the socket's; what only a socket can do is refused.

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
use taskwire_protocol::operations::{CATALOG, Nothing};
use taskwire_protocol::{Access, ErrorCode, Failure, Request};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span};

use super::body::{self, Held, Place};
use super::caller;
use super::outer;
use crate::engine::{Caller, Reply};
use crate::peer::{self, Peer};
use crate::reply::frames;
use crate::reply::refusal::{self, Refusal};
use crate::state::App;

/// What is the same for all frames of a body.
struct Call {
    app: Arc<App>,
    /// `None` without a token; a refused one refuses each frame.
    caller: Result<Option<Arc<Caller>>, Failure>,
    from: crate::engine::Origin,
    request_id: Arc<str>,
    /// What was not begun by then is not done.
    ends: Instant,
}

/// An answer frame, and the status that says the same.
struct Answer {
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
        from: peer::origin(peer, &head.headers, &app.settings),
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
    /// How large a body of this caller's may be.
    fn most(&self) -> Result<usize, Failure> {
        match &self.caller {
            Ok(Some(_)) => Ok(super::rpc_body(&self.app.settings)),
            Ok(None) => Err(Failure::new(
                ErrorCode::PayloadTooLarge,
                "without a token a body has at most 1 MiB",
            )),
            Err(failure) => Err(failure.clone()),
        }
    }

    /// The answers of an array, each made when the one before it was taken: however large they are together, one is in
    /// memory. So a frame is not begun before its reader has come to it, and never when the reader went away.
    fn answers(self, frames: Vec<Box<RawValue>>, place: Option<Place>) -> Body {
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

    /// The answer to one of several, which all share the time of a request. Nobody else catches its panic.
    async fn in_time(&self, text: &str) -> Answer {
        let late = || {
            Failure::new(
                ErrorCode::Timeout,
                "it took too long; send it again, with its op_id if it has one",
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

    async fn answer(&self, text: &str) -> Answer {
        let begun = Instant::now();
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
        let entry = CATALOG.iter().find(|entry| entry.name == frame.r#type);
        let name = entry.map_or("unknown", |entry| entry.name);
        let id = frame.id.clone();
        let answer = match self
            .carry_out(frame, entry.is_some_and(|entry| entry.access == Access::Anyone))
            .await
        {
            Ok(frame) => Answer { frame, failure: None },
            Err(failure) => self.refuse(id.as_ref(), failure),
        };
        let outcome = answer
            .failure
            .as_ref()
            .map_or("ok", |failure| failure.code.as_str());
        metrics::counter!("taskwire_operations_total", "type" => name, "outcome" => outcome).increment(1);
        metrics::histogram!("taskwire_operation_seconds", "type" => name)
            .record(begun.elapsed().as_secs_f64());
        answer
    }

    async fn carry_out(&self, frame: RequestFrame<'_>, for_anyone: bool) -> Result<String, Failure> {
        let caller = self.caller.as_ref().map_err(Failure::clone)?.as_ref();
        if caller.is_none() && !for_anyone {
            return Err(caller::auth_required());
        }
        let id = frame.id.as_ref();
        let engine = &self.app.engine;
        let request = Request::read(&frame.r#type, frame.data)?;
        match request {
            Request::Ping(_) => Ok(frames::pong(id)),
            Request::Describe(_) => {
                let body = format!("\"data\":{}", engine.describe()).into();
                Ok(frames::ok(
                    id,
                    &Reply {
                        body,
                        replayed: false,
                        subscribe: None,
                    },
                ))
            }
            Request::SignUp(params) => Ok(frames::ok_with(
                id,
                &engine.sign_up(*params, self.from.clone()).await?,
            )),
            Request::LogIn(params) => Ok(frames::ok_with(
                id,
                &engine.log_in(*params, self.from.clone()).await?,
            )),
            Request::Authenticate(_)
            | Request::RenewAuth(_)
            | Request::SetPresence(_)
            | Request::Subscribe(_)
            | Request::Unsubscribe(_) => {
                let message = format!(
                    "{} belongs to a socket; over HTTP each request brings its token",
                    frame.r#type
                );
                Err(Failure::invalid("type", message))
            }
            request => {
                let caller = caller.ok_or_else(caller::auth_required)?;
                if let Request::LogOut(_) = request {
                    engine.log_out(caller).await?;
                    return Ok(frames::ok_with(id, &Nothing {}));
                }
                Ok(frames::ok(id, &engine.call(caller, request, frame.op_id).await?))
            }
        }
    }

    fn refuse(&self, id: Option<&RequestId>, mut failure: Failure) -> Answer {
        Answer {
            frame: refusal::frame(id, &mut failure, &self.request_id),
            failure: Some(failure),
        }
    }
}

impl IntoResponse for Answer {
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
