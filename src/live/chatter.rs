//! The newest signals of one stream, kept for a second for readers at its head. Pure bookkeeping; a topic has it,
//! boxed, only while there are recent signals. Signals are shed first: a reader that is behind never gets those sent
//! meanwhile, and none are accepted while many topics wait for the fan-out.

use super::Frame;
use smallvec::SmallVec;
use std::{collections::VecDeque, time::Duration};
use tokio::time::Instant;

/// How many signals of one stream are kept; older ones are shed.
pub(crate) const KEPT: usize = 32;
/// The largest frame of a signal; this server sends no larger one.
pub(crate) const FRAME: usize = 1024;
/// A signal older than this is not delivered.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// The recent signals.
pub(crate) struct Chatter {
    frames: VecDeque<(Instant, Frame)>,
    /// When to check whether all of them are stale.
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

    /// When to call [`Chatter::is_over`].
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

    /// Whether no signal is fresh any more. If one is, sets the time of the next check, to `at` if given.
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
