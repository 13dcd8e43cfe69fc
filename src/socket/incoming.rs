//! Checks a text frame: its limits, its shape, its place among the socket's requests. Does not carry out the request.

use taskwire_protocol::frames::{NotARequest, RequestFrame, RequestId};
use taskwire_protocol::operations::CATALOG;
use taskwire_protocol::{Access, CloseCode, ErrorCode, Failure, Request};
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::long::SHORT_FRAME;
use super::pace::{Cost, Refused};
use super::requests::Asked;
use super::session::{Stage, auth_required};
use crate::engine;
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
                Cost::of(1, text.len()),
                Failure::new(ErrorCode::PayloadTooLarge, message),
            );
        }
        // a frame that is refused costs what an operation does
        let refused = Cost::of(1, text.len());
        let frame = match RequestFrame::parse(text) {
            Ok(frame) => frame,
            Err(NotARequest::Invalid(id, failure)) => return self.refuse_now(id, refused, *failure),
            Err(NotARequest::BadFrame(message)) => {
                self.refuse_now(None, refused, Failure::new(ErrorCode::BadFrame, message))?;
                return self
                    .pace
                    .bad_frame()
                    .map_err(|_| End::Close(CloseCode::BadFrames, "ten frames were not requests"));
            }
        };
        if self.is_stranger() && !is_for_anyone(&frame.r#type) {
            return self.refuse_now(frame.id, refused, auth_required());
        }
        if self.is_stranger() && text.len() > SHORT_FRAME && frame.r#type != "auth" {
            let message = format!(
                "before auth, a frame of any other operation may have at most {SHORT_FRAME} bytes; this one has {}",
                text.len()
            );
            return self.refuse_now(
                frame.id,
                refused,
                Failure::new(ErrorCode::PayloadTooLarge, message),
            );
        }
        match Request::read(&frame.r#type, frame.data) {
            Ok(request) => {
                let name = request.name();
                let cost = match &request {
                    Request::Batch(batch) => Cost::of(batch.ops.len().max(1) as u32, text.len()),
                    Request::Authenticate(_) | Request::RenewAuth(_) => refused.with_token(),
                    _ => refused,
                };
                let charged = self.charge(cost);
                if let Err(refused) = charged.or_else(|refused| self.insist(&request, cost, refused)) {
                    return self.refuse_limited(frame.id, name, refused);
                }
                if let Some(reply) = self.app.engine.answer_ahead(&request) {
                    self.wire.answer(&frames::ok(frame.id.as_ref(), &reply));
                    return Ok(());
                }
                self.push(asked(frame.id, name), request, frame.op_id);
                Ok(())
            }
            Err(failure) => self.refuse_in_turn(frame.id, known(&frame.r#type), refused, failure),
        }
    }

    /// Whether the socket is not authenticated, and no `auth` is under way.
    fn is_stranger(&self) -> bool {
        matches!(self.stage, Stage::Stranger(_)) && !self.requests.has("auth")
    }

    /// Refuses a frame that has no known operation, or that arrived before authentication.
    fn refuse_now(&mut self, id: Option<RequestId>, cost: Cost, failure: Failure) -> Result<(), End> {
        self.refuse_in_turn(id, "unknown", cost, failure)
    }

    fn charge(&mut self, cost: Cost) -> Result<(), Refused> {
        let now_ms = self.app.elapsed_ms();
        if matches!(self.stage, Stage::Stranger(_)) && self.requests.has("auth") {
            return self.pace.take_early(cost, now_ms);
        }
        self.pace.take(self.app.engine.limits(), cost, now_ms)
    }

    /// Answers with an error once all earlier requests are answered. Counts against the rate limit like a request.
    fn refuse_in_turn(
        &mut self,
        id: Option<RequestId>,
        name: &'static str,
        cost: Cost,
        failure: Failure,
    ) -> Result<(), End> {
        if let Err(limited) = self.charge(cost) {
            return self.refuse_limited(id, name, limited);
        }
        self.requests.refuse(asked(id, name), failure);
        self.start();
        Ok(())
    }

    fn refuse_limited(
        &mut self,
        id: Option<RequestId>,
        name: &'static str,
        refused: Refused,
    ) -> Result<(), End> {
        let now_ms = self.app.elapsed_ms();
        let counted = self.pace.limited(&refused, now_ms);
        let (Refused::Socket(failure) | Refused::Purse(failure)) = refused;
        self.requests.refuse(asked(id, name), failure);
        self.start();
        counted.map_err(|_| End::Close(CloseCode::RateIgnored, "the rate limit was ignored"))
    }

    /// Charges what an empty purse does not keep the client from. Somebody who comes with a token of ours is not refused for
    /// what others at the same address spent, nor kept from ending a session for what a thief spent.
    #[cold]
    fn insist(&self, request: &Request, cost: Cost, refused: Refused) -> Result<(), Refused> {
        let by = match (&refused, &self.stage, request) {
            (Refused::Purse(_), Stage::Stranger(_), Request::Authenticate(params)) => {
                let owner = self.app.engine.owner_at_hand(params.token.expose());
                owner.map(|owner| owner.by)
            }
            (Refused::Purse(_), Stage::Member(follower), request) => {
                engine::insists(request, follower.caller())
            }
            _ => None,
        };
        match by {
            Some(by) => self.pace.insist(self.app.engine.limits(), cost, by),
            None => Err(refused),
        }
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
