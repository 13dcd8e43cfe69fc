//! When a socket must act on its own: the deadline to authenticate, the heartbeat, the end of its token. One timer, set to
//! what is due first. Says what is due; sends nothing itself.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Without a sign of life for this long after a ping, a socket is dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(8);
/// This long before its token ends, a socket is told.
const NOTICE: Duration = Duration::from_mins(1);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The socket did not authenticate in time; or its session ended, and the answer to its logout took too long.
    Late,
    /// Send a ping, and tell [`Pulse::asked`].
    Ping,
    /// No sign of life came after the ping.
    Dead,
    /// The token ends soon: tell the client.
    Expiring,
    /// The token ended, and the grace too.
    Expired,
    /// The socket is old enough to be asked to come back.
    Aged,
}

/// How long things may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Until a socket has authenticated.
    pub(super) authenticate: Duration,
    /// Between two pings.
    pub(super) heartbeat: Duration,
    /// After the token's end.
    pub(super) grace: Duration,
    /// Until a socket is asked to come back, plus or minus a quarter.
    pub(super) age: Option<Duration>,
}

/// The deadlines of one socket. What every delivery reads is last in memory (`Connection`).
#[repr(C)]
pub(super) struct Pulse {
    /// Boxed: a timer is larger than all of the rest.
    timer: Pin<Box<Sleep>>,
    /// When the socket is closed: at the deadline for `auth`, or after the end of its session.
    late_at: Option<Instant>,
    every: Duration,
    grace: Duration,
    leaves_at: Option<Instant>,
    ping_at: Instant,
    expiry: Option<Expiry>,
    /// The peer was asked for a sign of life: progress then, and until when.
    asked: Option<(u32, Instant)>,
}

struct Expiry {
    at: Instant,
    told: bool,
}

impl Pulse {
    /// A socket that must authenticate within a time and is pinged every so often.
    pub(super) fn new(now: Instant, times: Times) -> Pulse {
        let every = times.heartbeat;
        // the first ping comes at a random time, so that sockets that came together are not pinged together for ever
        let first = now + every.mul_f32(0.5 + rand::random::<f32>() / 2.0);
        let by = now + times.authenticate;
        let mut pulse = Pulse {
            timer: Box::pin(sleep_until(by)),
            late_at: Some(by),
            every,
            grace: times.grace,
            // random too, so that they do not leave together
            leaves_at: times
                .age
                .map(|age| now + age.mul_f32(0.75 + rand::random::<f32>() / 2.0)),
            ping_at: first,
            asked: None,
            expiry: None,
        };
        pulse.arm();
        pulse
    }

    /// The socket is authenticated, by a token that ends at `until`.
    pub(super) fn authenticated(&mut self, until: Instant) {
        self.late_at = None;
        self.expiry = Some(Expiry {
            at: until,
            told: false,
        });
        self.arm();
    }

    /// A token is being checked, or was refused: there is time until `by`.
    pub(super) fn wait_for_token(&mut self, by: Instant) {
        if self.late_at.is_some() {
            self.late_at = Some(by);
            self.arm();
        }
    }

    /// The session ended; the socket closes at `by` at the latest.
    pub(super) fn revoked(&mut self, by: Instant) {
        self.late_at = Some(by);
        self.arm();
    }

    /// A ping was queued, and as much written as the peer took. `progress` is the transport's.
    pub(super) fn asked(&mut self, now: Instant, progress: u32) {
        self.ping_at = now + self.every;
        self.asked = Some((progress, now + SILENCE));
        self.arm();
    }

    /// The peer could not be heard since it was asked: it has the whole time again.
    pub(super) fn wait_on(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.asked {
            *until = now + SILENCE;
            self.arm();
        }
    }

    /// Call this when the transport may have made progress.
    pub(super) fn heard(&mut self, progress: u32) {
        if self.asked.is_some_and(|(then, _)| then != progress) {
            self.asked = None;
            self.arm();
        }
    }

    /// What is due now. Pending when nothing is; `waker` is called when something may be.
    pub(super) fn poll_due(&mut self, waker: &Waker) -> Poll<Due> {
        let mut cx = Context::from_waker(waker);
        while self.timer.as_mut().poll(&mut cx).is_ready() {
            if let Some(due) = self.due(Instant::now()) {
                return Poll::Ready(due);
            }
            self.arm();
        }
        Poll::Pending
    }

    fn due(&mut self, now: Instant) -> Option<Due> {
        if self.late_at.is_some_and(|by| by <= now) {
            return Some(Due::Late);
        }
        if let Some(expiry) = &mut self.expiry {
            if expiry.at + self.grace <= now {
                return Some(Due::Expired);
            }
            if !expiry.told && expiry.at <= now + NOTICE {
                expiry.told = true;
                self.arm();
                return Some(Due::Expiring);
            }
        }
        if self.leaves_at.is_some_and(|at| at <= now) {
            self.leaves_at = None;
            self.arm();
            return Some(Due::Aged);
        }
        match self.asked {
            Some((_, until)) => (until <= now).then_some(Due::Dead),
            None => (self.ping_at <= now).then_some(Due::Ping),
        }
    }

    /// Sets the timer to what comes first.
    fn arm(&mut self) {
        let pulse = self.asked.map_or(self.ping_at, |(_, until)| until);
        let expiry = self.expiry.as_ref().map(|expiry| {
            if expiry.told {
                expiry.at + self.grace
            } else {
                // a token may be shorter than the notice
                expiry.at.checked_sub(NOTICE).unwrap_or(expiry.at)
            }
        });
        let first = [self.late_at, expiry, self.leaves_at]
            .into_iter()
            .flatten()
            .fold(pulse, Instant::min);
        if self.timer.deadline() != first {
            self.timer.as_mut().reset(first);
        }
    }
}

#[cfg(test)]
mod tests;
