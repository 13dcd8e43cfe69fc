//! Checks a text frame: its limits, its shape, its place among the socket's requests. Does not carry out the request.

use serde_json::json;
use taskwire_protocol::frames::{NotARequest, RequestFrame, RequestId};
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, CloseCode, ErrorCode, Failure, Request};
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::long::SHORT_FRAME;
use super::requests::Asked;
use super::session::{Stage, auth_required};
use crate::reply::frames;

impl Connection {
    /// Takes one text frame.
    pub(super) fn take_in(&mut self, text: &str) -> Result<(), End> {
        let limit = self.app.settings.frame_bytes;
        if text.len() > limit {
            let message = format!(
                "a frame may have at most {limit} bytes; this one has {}",
                text.len()
            );
            return self.refuse_now(
                frames::id_of(text),
                Failure::new(ErrorCode::PayloadTooLarge, message),
            );
        }
        let frame = match RequestFrame::parse(text) {
            Ok(frame) => frame,
            Err(NotARequest::Invalid(id, failure)) => return self.refuse_now(id, *failure),
            Err(NotARequest::BadFrame(message)) => {
                self.refuse_now(None, Failure::new(ErrorCode::BadFrame, message))?;
                return self
                    .pace
                    .bad_frame()
                    .map_err(|_| End::Close(CloseCode::BadFrames, "ten frames were not requests"));
            }
        };
        if self.is_stranger() && !is_for_anyone(&frame.r#type) {
            return self.refuse_now(frame.id, auth_required());
        }
        if self.is_stranger() && text.len() > SHORT_FRAME && frame.r#type != "auth" {
            let message = format!(
                "before auth, a frame of any other operation may have at most {SHORT_FRAME} bytes; this one has {}",
                text.len()
            );
            return self.refuse_now(frame.id, Failure::new(ErrorCode::PayloadTooLarge, message));
        }
        match Request::read(&frame.r#type, frame.data) {
            Ok(request) => {
                let name = request.name();
                let operations = match &request {
                    Request::Batch(batch) => batch.ops.len().max(1) as u32,
                    _ => 1,
                };
                if let Err(wait_ms) = self.pace.take(operations, self.app.elapsed_ms()) {
                    return self.refuse_limited(frame.id, name, wait_ms);
                }
                if let Some(reply) = self.app.engine.answer_ahead(&request) {
                    self.wire.text(&frames::ok(frame.id.as_ref(), &reply));
                    return Ok(());
                }
                self.push(asked(frame.id, name), request, frame.op_id);
                Ok(())
            }
            Err(failure) => self.refuse_in_turn(frame.id, known(&frame.r#type), failure),
        }
    }

    /// Whether the socket is not authenticated, and no `auth` is under way.
    fn is_stranger(&self) -> bool {
        matches!(self.stage, Stage::Stranger(_)) && !self.requests.has("auth")
    }

    /// Refuses a frame that has no known operation, or that arrived before authentication.
    fn refuse_now(&mut self, id: Option<RequestId>, failure: Failure) -> Result<(), End> {
        self.refuse_in_turn(id, "unknown", failure)
    }

    /// Answers with an error once all earlier requests are answered. Counts against the rate limit like a request.
    fn refuse_in_turn(
        &mut self,
        id: Option<RequestId>,
        name: &'static str,
        failure: Failure,
    ) -> Result<(), End> {
        if let Err(wait_ms) = self.pace.take(1, self.app.elapsed_ms()) {
            return self.refuse_limited(id, name, wait_ms);
        }
        self.requests.refuse(asked(id, name), failure);
        self.start();
        Ok(())
    }

    fn refuse_limited(&mut self, id: Option<RequestId>, name: &'static str, wait_ms: u64) -> Result<(), End> {
        let settings = &self.app.settings;
        let failure = Failure::new(
            ErrorCode::RateLimited,
            "too many operations; wait and send it again",
        );
        let context =
            json!({ "limit": settings.ops_per_second, "burst": settings.ops_burst, "of": "operations" });
        self.requests
            .refuse(asked(id, name), failure.after(wait_ms).with(context));
        self.start();
        let now_ms = self.app.elapsed_ms();
        self.pace
            .limited(now_ms)
            .map_err(|_| End::Close(CloseCode::RateIgnored, "the rate limit was ignored"))
    }
}

fn is_for_anyone(name: &str) -> bool {
    CATALOG
        .iter()
        .any(|entry| entry.name == name && entry.access == Access::Anyone)
}

/// The operation's name as a metric label. All unknown names share one label.
fn known(name: &str) -> &'static str {
    CATALOG
        .iter()
        .find(|entry| entry.name == name)
        .map_or("unknown", |entry| entry.name)
}

fn asked(id: Option<RequestId>, name: &'static str) -> Asked {
    Asked {
        id,
        name,
        since: Instant::now(),
        paused: None,
    }
}
