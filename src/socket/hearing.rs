//! When a socket hears its client, and what its messages do.

use std::task::Poll;

use taskwire_protocol::CloseCode;

use super::connection::{Connection, End};
use super::transport::Heard;

/// Messages that are heard before what they brought is flushed.
const HEARD_AT_ONCE: usize = 16;

impl Connection {
    /// Takes in some messages; true when there were any: their answers wait to be flushed.
    pub(super) fn hear(&mut self) -> Result<bool, End> {
        for heard in 0..HEARD_AT_ONCE {
            if !self.may_hear() {
                return Ok(heard > 0);
            }
            match self.wire.hear() {
                Poll::Pending => {
                    self.input = false;
                    return Ok(heard > 0);
                }
                Poll::Ready(Heard::Text(text)) => self.take_in(&text)?,
                Poll::Ready(Heard::Control) => self
                    .pace
                    .control()
                    .map_err(|_| End::Close(CloseCode::RateIgnored, "too many control frames"))?,
                Poll::Ready(Heard::Closing) => return Err(End::Closed),
                Poll::Ready(Heard::Broken(code, reason)) => return Err(End::Close(code, reason)),
                Poll::Ready(Heard::Gone) => return Err(End::Gone),
            }
        }
        Ok(true)
    }

    /// A peer that does not take its answers, or has as many requests under way as it may, is not heard. What it sends
    /// waits in the kernel, and then at its own end.
    fn may_hear(&self) -> bool {
        self.input
            && !self.finishing
            && !self.revoked
            && self.has_room()
            && self.requests.len() < self.app.settings.in_flight
    }

    /// The peer is not heard though it takes its answers: the node has not made them yet.
    pub(super) fn is_deaf(&self) -> bool {
        self.has_room() && (self.finishing || self.requests.len() >= self.app.settings.in_flight)
    }
}
