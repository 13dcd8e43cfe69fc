//! When a socket must act on its own: the deadline to authenticate, the heartbeat, the end of its token. One
//! timer for whatever is due first. Sends nothing itself; says what is due.

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
    /// The socket did not authenticate in time; or its session ended, and what it still had to answer took too long.
    Late,
    /// Send a ping, and tell [`Pulse::asked`].
    Ping,
    /// No sign of life came after the ping.
    Dead,
    /// The token ends soon: tell the client.
    Expiring,
    /// The token ended, and the grace too.
    Expired,
    /// It is old enough to be asked to come back.
    Aged,
}

/// How long what may last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Until a socket has authenticated.
    pub(super) authenticate: Duration,
    /// Between two pings.
    pub(super) heartbeat: Duration,
    /// After the token's end.
    pub(super) grace: Duration,
    /// Until a socket is asked to come back, give or take a quarter.
    pub(super) age: Option<Duration>,
}

/// The deadlines of one socket. What every delivery looks at lies last (`Connection`).
#[repr(C)]
pub(super) struct Pulse {
    /// Boxed: a timer is larger than all of the rest.
    timer: Pin<Box<Sleep>>,
    /// Until then it has to authenticate, or to be gone.
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
        // the first ping is shaken, so that sockets that came together are not asked together for ever
        let first = now + every.mul_f32(0.5 + rand::random::<f32>() / 2.0);
        let by = now + times.authenticate;
        let mut pulse = Pulse {
            timer: Box::pin(sleep_until(by)),
            late_at: Some(by),
            every,
            grace: times.grace,
            // nor do they leave together
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

    /// A token is being looked at, or was refused: until `by` there may come another.
    pub(super) fn wait_for_token(&mut self, by: Instant) {
        if self.late_at.is_some() {
            self.late_at = Some(by);
            self.arm();
        }
    }

    /// The session ended; what the socket still has to answer has until `by`.
    pub(super) fn revoked(&mut self, by: Instant) {
        self.late_at = Some(by);
        self.arm();
    }

    /// A ping was queued, and as much written as the peer took; `progress` is the transport's.
    pub(super) fn asked(&mut self, now: Instant, progress: u32) {
        self.ping_at = now + self.every;
        self.asked = Some((progress, now + SILENCE));
        self.arm();
    }

    /// The peer could not be heard since it was asked: it has its time anew.
    pub(super) fn wait_on(&mut self, now: Instant) {
        if let Some((_, until)) = &mut self.asked {
            *until = now + SILENCE;
            self.arm();
        }
    }

    /// Call it when the transport may have made progress.
    pub(super) fn heard(&mut self, progress: u32) {
        if self.asked.is_some_and(|(then, _)| then != progress) {
            self.asked = None;
            self.arm();
        }
    }

    /// What is due now; otherwise `waker` is called when something may be.
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
mod tests {
    use super::*;

    const BEAT: Duration = Duration::from_secs(25);
    const HOUR: Duration = Duration::from_hours(1);

    fn times(heartbeat: Duration) -> Times {
        Times {
            authenticate: Duration::from_secs(10),
            heartbeat,
            grace: Duration::from_secs(25),
            age: None,
        }
    }

    /// What is due first, and how many seconds after `begun`: the timer is set to that moment and to none before.
    fn next(pulse: &mut Pulse, begun: Instant) -> (Due, u64) {
        loop {
            let at = pulse.timer.deadline();
            if let Some(due) = pulse.due(at) {
                assert_eq!(
                    pulse
                        .due(at - Duration::from_millis(1))
                        .filter(|_| due != Due::Expiring),
                    None
                );
                return (due, (at - begun).as_secs());
            }
            pulse.arm();
            assert_ne!(pulse.timer.deadline(), at, "the timer would spin");
        }
    }

    #[tokio::test]
    async fn a_socket_that_does_not_authenticate_is_due_after_its_time() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, times(BEAT));
        assert_eq!(next(&mut pulse, begun), (Due::Late, 10));
    }

    #[tokio::test]
    async fn a_token_that_came_gives_a_socket_time_anew_until_one_is_taken() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, times(BEAT));
        pulse.wait_for_token(begun + Duration::from_secs(11));
        assert_eq!(next(&mut pulse, begun), (Due::Late, 11));
        pulse.authenticated(begun + HOUR);
        pulse.wait_for_token(begun + Duration::from_secs(11));
        assert_eq!(next(&mut pulse, begun).0, Due::Ping);
    }

    #[tokio::test]
    async fn a_socket_whose_session_ended_is_late_soon() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, times(BEAT));
        pulse.authenticated(begun + HOUR);
        pulse.revoked(begun + Duration::from_secs(1));
        assert_eq!(next(&mut pulse, begun), (Due::Late, 1));
    }

    #[tokio::test]
    async fn a_peer_that_answers_is_asked_again_and_one_that_does_not_is_dead() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, times(BEAT));
        pulse.authenticated(begun + HOUR);
        let (due, seconds) = next(&mut pulse, begun);
        assert!(
            due == Due::Ping && (12..=25).contains(&seconds),
            "{due:?} after {seconds} s"
        );
        let asked = begun + BEAT;
        pulse.asked(asked, 5);
        pulse.heard(6);
        assert_eq!(next(&mut pulse, asked), (Due::Ping, 25));
        pulse.asked(asked, 6);
        pulse.heard(6);
        assert_eq!(next(&mut pulse, asked), (Due::Dead, 8));
        pulse.wait_on(asked + Duration::from_secs(8));
        assert_eq!(next(&mut pulse, asked), (Due::Dead, 16));
    }

    #[tokio::test]
    async fn a_token_that_ends_is_told_once_and_then_closed_unless_it_is_renewed() {
        let begun = Instant::now();
        let mut pulse = Pulse::new(begun, times(HOUR));
        pulse.authenticated(begun + Duration::from_secs(100));
        assert_eq!(next(&mut pulse, begun), (Due::Expiring, 40));
        pulse.authenticated(begun + Duration::from_secs(200));
        assert_eq!(next(&mut pulse, begun), (Due::Expiring, 140));
        assert_eq!(next(&mut pulse, begun), (Due::Expired, 225));
    }
    #[tokio::test]
    async fn an_old_socket_is_asked_to_leave_once_and_not_with_all_others() {
        let begun = Instant::now();
        let aged = Times {
            age: Some(Duration::from_secs(100)),
            ..times(HOUR)
        };
        let mut seconds: Vec<u64> = Vec::new();
        for _ in 0..50 {
            let mut pulse = Pulse::new(begun, aged);
            pulse.authenticated(begun + 3 * HOUR);
            let at = pulse.timer.deadline();
            assert_eq!((pulse.due(at), pulse.due(at)), (Some(Due::Aged), None));
            seconds.push((at - begun).as_secs());
        }
        assert!(
            seconds.iter().all(|after| (75..=125).contains(after)),
            "{seconds:?}"
        );
        seconds.sort_unstable();
        assert!(seconds[40] - seconds[10] > 10, "{seconds:?}");
    }
}
