//! `POST /v1/rpc`: a request frame in, its answer out; or an array of them, carried out in order. The operations are
//! the socket's; what only a socket can do is refused.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use taskwire_protocol::frames::{NotARequest, RequestFrame, RequestId};
use taskwire_protocol::operations::{CATALOG, Nothing};
use taskwire_protocol::{Access, ErrorCode, Failure, Request};
use tokio::time::Instant;

use super::body::{self, Read};
use super::caller;
use super::outer;
use super::refusal::{self, Refusal};
use crate::engine::{Caller, Reply};
use crate::peer::{self, Peer};
use crate::socket;
use crate::state::App;

/// What is the same for all frames of a body.
struct Call<'a> {
    app: &'a App,
    /// `None` without a token; a refused one refuses each frame.
    caller: Result<Option<Arc<Caller>>, Failure>,
    from: crate::engine::Origin,
    request_id: &'a str,
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
    headers: HeaderMap,
    body: Read,
) -> Result<Response, Refusal> {
    let bytes = body::json(&headers, body)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return Err(Failure::new(ErrorCode::BadFrame, "the body is not UTF-8").into());
    };
    let call = Call {
        app: &app,
        caller: caller::caller(&app, &headers).await,
        from: peer::origin(peer, &headers, &app.settings),
        request_id: &request_id,
    };
    if !text.trim_ascii_start().starts_with('[') {
        return Ok(call.answer(text).await.into_response());
    }
    let most = app.settings.batch_ops;
    let frames: Vec<&RawValue> = match serde_json::from_str(text) {
        Ok(frames) => frames,
        Err(_) => return Err(Failure::new(ErrorCode::BadFrame, "the body is not JSON").into()),
    };
    if frames.len() > most {
        return Err(Failure::new(
            ErrorCode::ValidationError,
            format!("at most {most} requests at once"),
        )
        .into());
    }
    let mut answers = Vec::with_capacity(frames.len());
    for frame in frames {
        answers.push(call.answer(frame.get()).await.frame);
    }
    Ok(respond(StatusCode::OK, format!("[{}]", answers.join(","))))
}

impl Call<'_> {
    async fn answer(&self, text: &str) -> Answer {
        let begun = Instant::now();
        let limit = self.app.settings.frame_bytes;
        if text.len() > limit {
            let failure = Failure::new(
                ErrorCode::PayloadTooLarge,
                format!("a frame has at most {limit} bytes"),
            );
            return self.refuse(socket::id_of(text).as_ref(), failure);
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
            Request::Ping(_) => Ok(socket::pong_frame(id)),
            Request::Describe(_) => {
                let body = format!("\"data\":{}", engine.describe()).into();
                Ok(socket::ok_frame(
                    id,
                    &Reply {
                        body,
                        replayed: false,
                        subscribe: None,
                    },
                ))
            }
            Request::SignUp(params) => Ok(socket::ok_frame_with(
                id,
                &engine.sign_up(*params, self.from.clone()).await?,
            )),
            Request::LogIn(params) => Ok(socket::ok_frame_with(
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
                    return Ok(socket::ok_frame_with(id, &Nothing {}));
                }
                Ok(socket::ok_frame(
                    id,
                    &engine.call(caller, request, frame.op_id).await?,
                ))
            }
        }
    }

    fn refuse(&self, id: Option<&RequestId>, mut failure: Failure) -> Answer {
        Answer {
            frame: refusal::frame(id, &mut failure, self.request_id),
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

fn respond(status: StatusCode, body: String) -> Response {
    (
        status,
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")],
        body,
    )
        .into_response()
}
