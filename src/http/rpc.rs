//! `POST /v1/rpc` carries out a request frame, or an array of frames in order; each answer of an array is sent before
//! the next frame begins. The operations are those of the socket, except those that only a socket can carry out.
//!
//! The token is checked when the body is there, and again before each frame of an array: what comes after the end of a
//! session is not carried out, however slowly the body arrives or the answers are read.

mod answer;
mod array;
mod costs;
mod waiting;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use taskwire_protocol::frames::{NotARequest, RequestFrame, RequestId};
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, ErrorCode, Failure, Request};
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument as _, Span};

use self::answer::AnswerFrame;
use self::waiting::{Next, Waiting};
use super::body::{self, Held};
use super::caller;
use super::outer;
use crate::auth::limits::Network;
use crate::engine::{Caller, Delivery, Incoming, Measure, Origin, Reply, Sender};
use crate::peer::{self, Peer};
use crate::reply::frames;
use crate::reply::refusal::{self, Refusal};
use crate::state::App;

/// What all frames of a body share.
struct Call {
    app: Arc<App>,
    token: Option<Box<str>>,
    origin: Origin,
    request_id: Arc<str>,
    /// A frame that has not begun by this time is refused.
    ends: Instant,
    /// How many requests batches cost, besides those of their frames.
    charged: AtomicU32,
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
        token: peer::bearer(&head.headers).map(Into::into),
        origin: peer::origin(peer, &head.headers, &app.settings),
        app,
        request_id,
        ends,
        charged: AtomicU32::new(0),
    };
    let network = call.origin.address.map(Network::from);
    let Held { bytes, place, memory } = body::held(body, network, Box::pin(call.sender())).await?;
    // it has arrived: others may send theirs, however long the answers take
    drop(place);
    let Ok(text) = std::str::from_utf8(&bytes) else {
        call.charge_refused(bytes.len()).await?;
        return Err(Failure::new(ErrorCode::BadFrame, "the body is not UTF-8").into());
    };
    if !text.trim_ascii_start().starts_with('[') {
        let answer = call.answer(text).await;
        let mut response = answer.respond(&call.app);
        let charged = outer::Charged(call.charged.load(Ordering::Relaxed));
        response.extensions_mut().insert(charged);
        return Ok(response);
    }
    let frames = array::frames(text, call.app.settings.batch_ops);
    // the frames pay, if there are any
    if frames.as_ref().map_or(true, Vec::is_empty) {
        let charged = call.charge_refused(text.len()).await;
        // an array is answered by an array
        if frames.is_err() {
            charged?;
        }
    }
    let frames = frames?;
    let waiting = Waiting::new(frames, memory, ends);
    Ok(answer::respond(StatusCode::OK, call.answers(waiting)))
}

impl Call {
    /// The owner of the token, as they are now.
    async fn caller(&self) -> Result<Option<Arc<Caller>>, Failure> {
        let doubt = self.doubt();
        let caller = caller::of(&self.app, self.token.as_deref()).await;
        doubt.over();
        caller.inspect_err(|failure| self.charge_wrong_token(failure))
    }

    /// Who sends the body, and the largest that they may send.
    async fn sender(&self) -> Result<body::Sender, Failure> {
        let caller = self.caller().await?;
        let caller = caller.ok_or_else(body::too_large_for_a_stranger)?;
        Ok(body::Sender {
            user: caller.user.id,
            most: super::rpc_body(&self.app.settings),
        })
    }

    /// The answers of an array. Each is made after the previous one was sent, so only one is in memory at a time. A
    /// frame waits until the client reads the answers before it, and does not begin once a write has shown that the client is gone.
    fn answers(self, waiting: Waiting) -> Body {
        let app = self.app.clone();
        let work = (self, waiting, true, Span::current());
        let answers = stream::unfold(work, async |(call, mut waiting, is_first, span)| {
            let next = waiting.next()?;
            // the request itself counted the first one
            let counted = if is_first { Ok(()) } else { call.count().await };
            let answer = match (counted, next) {
                (Ok(()), Next::Frame(frame)) => call.in_time(frame.get()).instrument(span.clone()).await,
                (Ok(()), Next::Late(id)) => call.refuse(id.as_ref(), late()),
                (Err(failure), Next::Frame(frame)) => {
                    call.refuse(frames::id_of(frame.get()).as_ref(), failure)
                }
                (Err(failure), Next::Late(id)) => call.refuse(id.as_ref(), failure),
            };
            Some((answer, (call, waiting, false, span)))
        });
        let pieces = answers.enumerate().flat_map(move |(at, answer)| {
            let comma = if at == 0 { "" } else { "," };
            answer::text(comma).chain(answer.pieces(&app))
        });
        Body::from_stream(answer::text("[").chain(pieces).chain(answer::text("]")))
    }

    /// The answer to one frame of several. Together they have the time of one request. A panic must be caught here,
    /// because the response has already begun.
    async fn in_time(&self, text: &str) -> AnswerFrame {
        // pinned here, because it is large
        match in_time(self.ends, pin!(self.answer(text))).await {
            Ok(answer) => answer,
            Err(failure) => self.refuse(frames::id_of(text).as_ref(), failure),
        }
    }

    async fn answer(&self, text: &str) -> AnswerFrame {
        let since = Instant::now();
        let frame = match self.frame(text) {
            Ok(frame) => frame,
            Err(wrong) => {
                let (id, failure) = match wrong {
                    NotARequest::BadFrame(message) => (None, Failure::new(ErrorCode::BadFrame, message)),
                    NotARequest::Invalid(id, failure) => (id, *failure),
                };
                let charged = self.charge_refused(text.len()).await;
                return self.refuse(id.as_ref(), charged.err().unwrap_or(failure));
            }
        };
        let incoming = match self.incoming(&frame, text.len(), since).await {
            Ok(incoming) => incoming,
            Err(failure) => {
                let refused: Result<Reply, Failure> = Err(failure.clone());
                Measure::named(&frame.r#type, since).end(&refused);
                return self.refuse(frame.id.as_ref(), failure);
            }
        };
        let caller = incoming.sender.caller.clone();
        match self.app.engine.dispatch(incoming).await {
            Ok(reply) => {
                let frame = frames::ok(frame.id.as_ref(), &reply);
                self.charge_answer(frame.len(), caller.as_deref()).await;
                AnswerFrame {
                    frame,
                    failure: None,
                    caller,
                }
            }
            Err(failure) => self.refuse(frame.id.as_ref(), failure),
        }
    }

    /// The frame of a text.
    fn frame<'a>(&self, text: &'a str) -> Result<RequestFrame<'a>, NotARequest> {
        let limit = self.app.settings.frame_bytes;
        if text.len() > limit {
            let message = format!("a frame has at most {limit} bytes");
            let failure = Failure::new(ErrorCode::PayloadTooLarge, message);
            return Err(NotARequest::Invalid(frames::id_of(text), Box::new(failure)));
        }
        RequestFrame::parse(text)
    }

    /// The request of a frame. Without a token the answer is `AUTH_REQUIRED`, before the frame's parameters are
    /// checked.
    async fn incoming(
        &self,
        frame: &RequestFrame<'_>,
        bytes: usize,
        since: Instant,
    ) -> Result<Incoming, Failure> {
        let caller = self.caller().await?;
        let row = CATALOG.iter().find(|row| row.name == frame.r#type);
        let request = if caller.is_none() && row.is_none_or(|row| row.access != Access::Anyone) {
            Err(caller::auth_required())
        } else {
            Request::read(&frame.r#type, frame.data)
        };
        self.charge(request.as_ref().ok(), bytes, caller.as_deref())
            .await?;
        Ok(Incoming {
            request: request?,
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
            caller: None,
        }
    }
}

/// What `answer` returns until `ends`. It does not begin later, and a panic is a failure.
async fn in_time<T>(ends: Instant, answer: impl Future<Output = T>) -> Result<T, Failure> {
    if Instant::now() >= ends {
        return Err(late());
    }
    match timeout_at(ends, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(answer) => answer.map_err(super::failed),
        Err(_) => Err(late()),
    }
}

/// The refusal of a frame whose time is over.
fn late() -> Failure {
    Failure::new(
        ErrorCode::Timeout,
        "the request took too long; send it again, with the same op_id if it has one",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};
    use std::time::Duration;

    fn panics() -> impl Future<Output = u8> {
        poll_fn(|_| panic!("what no client may read"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_panics_or_takes_too_long_is_refused_and_a_late_one_does_not_begin() {
        let (begun, life) = (Instant::now(), Duration::from_secs(30));
        let ends = begun + life;
        assert_eq!(in_time(ends, ready(7)).await.ok(), Some(7));
        let failure = in_time(ends, panics()).await.expect_err("a panic");
        assert_eq!(failure.code, ErrorCode::InternalError);
        assert!(!failure.message.contains("client"), "{}", failure.message);
        let failure = in_time::<u8>(ends, pending()).await.expect_err("too long");
        assert_eq!((failure.code, begun.elapsed()), (ErrorCode::Timeout, life));
        // it does not begin, so it does not panic
        let failure = in_time(ends, panics()).await.expect_err("too late");
        assert_eq!(failure.code, ErrorCode::Timeout);
    }
}
