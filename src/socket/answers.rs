//! Puts answers into the queue, and counts them by type and outcome. Does not know what they mean.

use taskwire_protocol::Failure;

use super::connection::Connection;
use super::requests::Asked;
use super::session::Stage;
use crate::auth::limits::units;
use crate::engine::{Reply, named};
use crate::reply::frames;

impl Connection {
    /// Queues the answer to a request that the dispatcher has recorded.
    pub(super) fn answer(&mut self, asked: &Asked, result: &Result<Reply, Failure>) {
        match result {
            Ok(reply) => {
                if asked.id.is_some() {
                    let frame = frames::ok(asked.id.as_ref(), reply);
                    self.owe(units::of_bytes(frame.len()));
                    self.wire.answer(&frame);
                }
            }
            Err(failure) => self.error(asked, failure),
        }
    }

    /// Charges what was done before its cost was known.
    pub(super) fn owe(&mut self, units: u32) {
        if units > 0 {
            let now_ms = self.app.elapsed_ms();
            self.pace.owe(self.app.engine.limits(), units, now_ms);
        }
    }

    /// Queues the answer to a request that the socket itself carried out, and records it.
    pub(super) fn answer_with(&mut self, asked: &Asked, data: &impl serde::Serialize) {
        if asked.id.is_some() {
            let frame = frames::ok_with(asked.id.as_ref(), data);
            self.owe(units::of_bytes(frame.len()));
            self.wire.answer(&frame);
        }
        asked.measure().end::<()>(&Ok(()));
    }

    /// Queues the refusal of a request that never reached the dispatcher, and records it.
    pub(super) fn refuse(&mut self, asked: &Asked, failure: &Failure) {
        self.error(asked, failure);
        asked.measure().end::<()>(&Err(failure.clone()));
    }

    /// Queues an error.
    fn error(&mut self, asked: &Asked, failure: &Failure) {
        let caller = match &self.stage {
            Stage::Member(follower) => Some(follower.caller().clone()),
            Stage::Stranger(_) => None,
        };
        let failure = named(failure.clone(), asked.name, caller, asked.since.elapsed());
        self.wire.answer(&frames::error(asked.id.as_ref(), &failure));
    }
}
