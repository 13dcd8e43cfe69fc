//! Decides when a socket reads from its client, reads the messages, and passes them on.

use std::task::Poll;

use taskwire_protocol::CloseCode;

use super::connection::{Connection, End};
use super::heard::Heard;

/// The most messages that are read before their answers are flushed.
const HEARD_AT_ONCE: usize = 16;

impl Connection {
    /// Reads some messages. True when there were any: their answers must be flushed.
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
                Poll::Ready(Heard::Text(text)) => {
                    self.is_whole();
                    self.take_in(&text)?;
                }
                Poll::Ready(Heard::Full) if self.is_behind_auth() => return Ok(heard > 0),
                Poll::Ready(Heard::Full) => {
                    if !self.may_be_longer()? {
                        self.input = false;
                        return Ok(heard > 0);
                    }
                }
                Poll::Ready(Heard::Control) => self
                    .pace
                    .control()
                    .map_err(|_| End::Close(CloseCode::RateIgnored, "too many control frames"))?,
                Poll::Ready(Heard::Closing) => return Err(End::Closed),
                Poll::Ready(Heard::Broken(code, reason)) => return Err(End::Close(code, reason)),
                Poll::Ready(Heard::HalfClosed) => {
                    // what it asked for before is still carried out and answered
                    (self.half_closed, self.finishing) = (true, true);
                    return Ok(true);
                }
                Poll::Ready(Heard::Gone) => return Err(End::Gone),
            }
        }
        Ok(true)
    }

    /// Whether to read from the peer. It is not read while it receives no answers, or has the most allowed requests
    /// under way. Then its input waits in the kernel's buffer, and after that at the peer.
    fn may_hear(&self) -> bool {
        self.input
            && !self.finishing
            && !self.revoked
            && self.has_room()
            && self.requests.len() < self.in_flight()
            && !self.is_behind_auth()
    }

    /// Whether the peer receives its answers but is not read, because the node has not answered yet.
    pub(super) fn is_deaf(&self) -> bool {
        self.has_room() && (self.finishing || self.requests.len() >= self.in_flight() || self.must_wait())
    }
}
