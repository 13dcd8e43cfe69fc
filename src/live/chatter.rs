//! The newest signals of one stream: kept for a moment, for whoever is at the head. Pure bookkeeping, boxed and there
//! only while something was said lately. Signals are the first to be shed: who is behind never gets those that were
//! said meanwhile, and what comes while many streams wait to be told of events is not taken in at all.

use super::Frame;
use smallvec::SmallVec;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// Signals of one stream that are kept; what is older than the newest ones is shed.
pub(crate) const KEPT: usize = 32;
/// Bytes of a signal's frame; a larger one is nothing that this server says.
pub(crate) const FRAME: usize = 1024;
/// How long a signal is worth delivering.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// What was said lately.
pub(crate) struct Chatter {
    frames: VecDeque<(Instant, Frame)>,
    /// When somebody looks whether it is over.
    until: Instant,
}

/// Signals on their way to one socket.
pub(crate) type Said = SmallVec<[Frame; KEPT]>;

impl Chatter {
    pub(crate) fn new(now: Instant) -> Chatter {
        Chatter {
            frames: VecDeque::with_capacity(4),
            until: now + FRESH,
        }
    }

    /// When somebody must call [`Chatter::is_over`].
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    pub(crate) fn add(&mut self, frame: Frame, now: Instant) {
        if self.frames.len() == KEPT {
            self.frames.pop_front();
        }
        self.frames.push_back((now, frame));
    }

    /// Clones the newest `n` that are fresh, oldest first.
    pub(crate) fn newest(&self, n: usize, now: Instant, said: &mut Said) {
        let from = self.frames.len() - n.min(self.frames.len());
        let fresh = self
            .frames
            .range(from..)
            .filter(|(at, _)| now.duration_since(*at) < FRESH);
        said.extend(fresh.map(|(_, frame)| frame.clone()));
    }

    /// The moment has come to look: whether nothing is fresh any more. Else the next moment is set, to `at` if given.
    pub(crate) fn is_over(&mut self, now: Instant, at: Option<Instant>) -> bool {
        match self.frames.back() {
            Some((newest, _)) if now.duration_since(*newest) < FRESH => {
                self.until = at.unwrap_or(*newest + FRESH);
                false
            }
            _ => true,
        }
    }
}
