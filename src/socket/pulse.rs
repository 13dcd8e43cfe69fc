//! The deadlines of a socket: the time to authenticate, the heartbeat, the end of its token, its age. One timer, set to
//! the earliest. Tells what is due; sends nothing itself.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::config::Settings;
use crate::uptake::{Taken, Uptake};

/// A peer that has not answered a ping after this time is looked at. Most have, so a look is rare.
const LOOK: Duration = Duration::from_secs(1);

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// The socket did not authenticate in time; or its session ended, and the answer to its logout took too long.
    Late,
    /// Send a ping, then call [`Pulse::asked`].
    Ping,
    /// Nothing was heard since the ping: look what the peer has taken, then call [`Pulse::looked`].
    Silent,
    /// The token expires soon: tell the client.
    Expiring,
    /// The token expired, and the grace time is over.
    Expired,
    /// The socket is so old that the client must reconnect.
    Aged,
}

/// The time limits of a socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// The time to authenticate.
    pub(super) authenticate: Duration,
    /// The time between two pings.
    pub(super) heartbeat: Duration,
    /// How long a socket stays open after its token expired.
    pub(super) grace: Duration,
    /// The age at which the client must reconnect, plus or minus a quarter.
    pub(super) age: Option<Duration>,
}

impl Times {
    pub(super) fn of(settings: &Settings) -> Times {
        Times {
            authenticate: settings.auth_timeout,
            heartbeat: settings.heartbeat,
            grace: settings.auth_grace,
            age: settings.socket_max_age,
        }
    }
}

/// The deadlines of one socket. The fields that every delivery reads are last in memory (see `Connection`).
#[repr(C)]
pub(super) struct Pulse {
    /// Boxed: a timer is larger than all other fields together.
    timer: Pin<Box<Sleep>>,
    /// When the socket is closed: at the deadline for `auth`, or after the end of its session.
    late_at: Option<Instant>,
    every: Duration,
    grace: Duration,
    leaves_at: Option<Instant>,
    ping_at: Instant,
    expiry: Option<Expiry>,
    /// A ping was sent, and nothing was heard since.
    asked: Option<Box<Asked>>,
}

struct Asked {
    /// The transport's count of reads at the time of the ping.
    reads: u32,
    /// What the peer had taken at the last look, if there was one.
    taken: Option<Taken>,
    /// When to look.
    until: Instant,
}

struct Expiry {
    at: Instant,
    /// The client is told so many milliseconds before; `None` once it was. Small: each socket has one.
    notice_ms: Option<NonZeroU32>,
}

impl Expiry {
    fn notice(&self) -> Option<Instant> {
        let before = Duration::from_millis(self.notice_ms?.get().into());
        Some(self.at.checked_sub(before).unwrap_or(self.at))
    }
}

impl Pulse {
    /// The deadlines of a new socket.
    pub(super) fn new(now: Instant, times: Times) -> Pulse {
        let every = times.heartbeat;
        // the first ping is at a random time: sockets that connected together must not be pinged together for ever
        let first = now + every.mul_f32(0.5 + rand::random::<f32>() / 2.0);
        let by = now + times.authenticate;
        let mut pulse = Pulse {
            timer: Box::pin(sleep_until(by)),
            late_at: Some(by),
            every,
            grace: times.grace,
            // random too, so that sockets that connected together do not reconnect together
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

    /// The socket is authenticated, by a token that expires at `until`. The client is told so long before.
    pub(super) fn authenticated(&mut self, until: Instant, notice: Duration) {
        self.late_at = None;
        self.expiry = Some(Expiry {
            at: until,
            notice_ms: NonZeroU32::new(u32::try_from(notice.as_millis()).unwrap_or(u32::MAX).max(1)),
        });
        self.arm();
    }

    /// The token of this socket cannot be renewed, so there is no grace time after its end. Called before
    /// [`Pulse::authenticated`].
    pub(super) fn cannot_renew(&mut self) {
        self.grace = Duration::ZERO;
    }

    /// A token is being checked, or was refused: the client has time until `by`.
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

    /// A ping was queued, and as much was written as the connection accepted. `reads` is the transport's.
    pub(super) fn asked(&mut self, now: Instant, reads: u32) {
        self.ping_at = now + self.every;
        self.asked = Some(Box::new(Asked {
            reads,
            taken: None,
            until: now + LOOK,
        }));
        self.arm();
    }

    /// The peer could not be read since the ping: restarts its time for a sign of life.
    pub(super) fn wait_on(&mut self, now: Instant, uptake: Uptake) {
        if let Some(asked) = &mut self.asked {
            let taken = Taken::new(uptake, now);
            (asked.taken, asked.until) = (Some(taken), taken.dead_at());
            self.arm();
        }
    }

    /// The peer was looked at, because nothing was heard since the ping. False when it is dead: it has taken nothing
    /// either.
    pub(super) fn looked(&mut self, now: Instant, uptake: Uptake) -> bool {
        let Some(asked) = &mut self.asked else {
            return true;
        };
        // one that has everything, the ping too, has its time from the ping on
        let first = if uptake.left == 0 {
            now.checked_sub(LOOK).unwrap_or(now)
        } else {
            now
        };
        let taken = asked.taken.get_or_insert(Taken::new(uptake, first));
        let Some(next) = taken.look(uptake, now) else {
            return false;
        };
        asked.until = next;
        self.arm();
        true
    }

    /// Call this when the transport may have read something.
    pub(super) fn heard(&mut self, reads: u32) {
        if self.asked.as_ref().is_some_and(|asked| asked.reads != reads) {
            self.asked = None;
            self.arm();
        }
    }

    /// The peer has taken everything, and has nothing to say: that is a sign of life too.
    pub(super) fn took_all(&mut self) {
        self.asked = None;
        self.arm();
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
            if expiry.notice().is_some_and(|at| at <= now) {
                expiry.notice_ms = None;
                self.arm();
                return Some(Due::Expiring);
            }
        }
        if self.leaves_at.is_some_and(|at| at <= now) {
            self.leaves_at = None;
            self.arm();
            return Some(Due::Aged);
        }
        match &self.asked {
            Some(asked) => (asked.until <= now).then_some(Due::Silent),
            None => (self.ping_at <= now).then_some(Due::Ping),
        }
    }

    /// Sets the timer to the earliest deadline.
    fn arm(&mut self) {
        let pulse = self.asked.as_ref().map_or(self.ping_at, |asked| asked.until);
        let expiry = self.expiry.as_ref();
        let expiry = expiry.map(|expiry| expiry.notice().unwrap_or(expiry.at + self.grace));
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
