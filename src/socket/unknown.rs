//! What a client may send before it is authenticated. Until a message is complete, a few KiB: more waits in the kernel's
//! buffer. A longer message (an `auth` with many positions) needs one of a few places, so all incomplete
//! messages of strangers together take a bounded number of bytes, whatever they fragment. Does not know what messages mean.

use std::task::{Context, Poll};
use std::time::Duration;

use taskwire_protocol::CloseCode;
use tokio::time::Instant;

use super::connection::{Connection, End};
use super::long::{ANSWERED, Long, Placed, SHORT};
use super::session::Stage;
use crate::follow::Close;

/// The most requests that are not answered.
pub(super) const IN_FLIGHT: usize = 4;
/// Bytes for the headers of a long message's fragments.
const HEADERS: usize = 1024;
/// A long message that has a place must go on within this time, or that of `auth`, and be complete within twice as much.
const WITHIN: Duration = Duration::from_secs(5);

impl Connection {
    /// The most unanswered requests.
    pub(super) fn in_flight(&self) -> usize {
        let most = self.app.settings.in_flight;
        match self.stage {
            Stage::Stranger(_) => most.min(IN_FLIGHT),
            Stage::Member(_) => most,
        }
    }

    /// Whether nothing is read, because the node lets a stranger wait. What follows an `auth` is read when that is answered.
    pub(super) fn must_wait(&self) -> bool {
        self.is_behind_auth()
            || matches!(&self.stage, Stage::Stranger(stranger) if matches!(stranger.long, Long::Waiting(_)))
    }

    /// Whether a message that is not short follows an `auth` that is not answered.
    pub(super) fn is_behind_auth(&self) -> bool {
        matches!(self.stage, Stage::Stranger(_)) && self.wire.is_full() && self.requests.has("auth")
    }

    /// As many bytes arrived without a whole message as may. Whether more are read now; if not, input's waker is called when
    /// they may be.
    pub(super) fn may_be_longer(&mut self) -> Result<bool, End> {
        let too_big = || End::Close(CloseCode::TooBig, "too many bytes without a message");
        let (frame, admission) = (self.app.settings.frame_bytes, &self.app.admission);
        let places = admission.long_messages();
        let Stage::Stranger(stranger) = &mut self.stage else {
            return Err(too_big());
        };
        stranger.long = match std::mem::take(&mut stranger.long) {
            Long::Placed(mut placed) => {
                if placed.is_oversize {
                    return Err(too_big());
                }
                if !places.widen(&mut placed.place, ANSWERED as u32 - 1) {
                    return Err(End::Close(CloseCode::TooBig, "a message too long before auth"));
                }
                self.wire.allow(ANSWERED * frame + HEADERS);
                placed.is_oversize = true;
                Long::Placed(placed)
            }
            long => {
                let mut taking = match long {
                    Long::Waiting(taking) => taking,
                    _ => Box::pin(places.clone().take(admission.network(stranger.from.address))),
                };
                match taking.as_mut().poll(&mut Context::from_waker(self.wire.input())) {
                    Poll::Ready(Some(place)) => {
                        self.wire.allow((frame + HEADERS).max(SHORT));
                        let now = Instant::now();
                        let within = WITHIN.min(self.app.settings.auth_timeout);
                        self.pulse.wait_for_token(now + within);
                        self.timer = true;
                        Long::Placed(Box::new(Placed {
                            place,
                            is_oversize: false,
                            ends: now + 2 * within,
                            reads: self.wire.reads(),
                        }))
                    }
                    Poll::Ready(None) => return Err(Close::TOO_MANY.into()),
                    Poll::Pending => Long::Waiting(taking),
                }
            }
        };
        Ok(!matches!(stranger.long, Long::Waiting(_)))
    }

    /// The client is late, and a long message is on its way or waits for a place. One that goes on has more time. The client
    /// of another one comes again: nothing is wrong with its token.
    pub(super) fn late_with_a_long_message(&mut self) -> Result<(), End> {
        let (now, reads) = (Instant::now(), self.wire.reads());
        match &mut self.stage {
            Stage::Stranger(stranger) => match &mut stranger.long {
                Long::No => Ok(()),
                Long::Placed(placed) if placed.reads != reads && now < placed.ends => {
                    placed.reads = reads;
                    let within = WITHIN.min(self.app.settings.auth_timeout);
                    self.pulse.wait_for_token((now + within).min(placed.ends));
                    Ok(())
                }
                Long::Placed(_) | Long::Waiting(_) => Err(Close::TOO_MANY.into()),
            },
            Stage::Member(_) => Ok(()),
        }
    }

    /// Whether a long message is on its way, or waits for a place.
    pub(super) fn has_long_message(&self) -> bool {
        matches!(&self.stage, Stage::Stranger(stranger) if !matches!(stranger.long, Long::No))
    }

    /// A message is complete: it needs no place any more.
    pub(super) fn is_whole(&mut self) {
        if let Stage::Stranger(stranger) = &mut self.stage
            && !matches!(stranger.long, Long::No)
        {
            stranger.long = Long::No;
            self.wire.allow(SHORT);
        }
    }
}
