//! Counts the requests of one socket against its rate limit, charges them to its user, or to its network before it has one,
//! and counts its violations of the rules until it is closed. Only counts: it answers and closes nothing.

use std::collections::VecDeque;

use serde_json::json;
use taskwire_protocol::{ErrorCode, Failure};

use crate::auth::limits::{Bucket, Limits, Payer, Who, units};
use crate::config::Settings;

/// This many frames that are not requests close the socket.
const BAD_FRAMES: u8 = 10;
/// This many `RATE_LIMITED` answers within [`LIMITED_WITHIN_MS`] close the socket.
const LIMITED: usize = 100;
const LIMITED_WITHIN_MS: i64 = 10_000;
/// The most pings and pongs of a client between two pings of ours: a client needs one or two.
const CONTROLS: u32 = 2000;

/// The counts of one socket.
pub(super) struct Pace {
    bucket: Bucket,
    payer: Payer,
    is_member: bool,
    /// What was sent while the token was looked at costs: nobody paid for it yet.
    early: u32,
    enabled: bool,
    bad_frames: u8,
    /// Boxed: most sockets are never refused.
    limited: Option<Box<Limited>>,
    controls: u32,
}

/// What a request costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    /// Its operations.
    operations: u32,
    /// What is paid besides.
    more: u32,
}

impl Cost {
    /// That of so many operations in a frame of so many bytes.
    pub(super) fn of(operations: u32, bytes: usize) -> Cost {
        let more = units::of_bytes(bytes);
        Cost { operations, more }
    }

    fn units(self) -> u32 {
        self.operations.saturating_add(self.more)
    }

    /// The same with a token whose owner is looked up.
    pub(super) fn with_token(mut self) -> Cost {
        self.more = self.more.saturating_add(units::TOKEN);
        self
    }
}

/// A refused request.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// The socket sends too fast.
    Socket(Failure),
    /// The user's purse has too little, or the network's, which may not be the socket's fault.
    Purse(Failure),
}

/// The refusal of what one socket sends too fast.
#[cold]
fn too_many(bucket: Bucket, wait_ms: u64) -> Failure {
    metrics::counter!("taskwire_limited_total", "limit" => "socket").increment(1);
    let message = "too many operations; wait and send it again";
    let (limit, burst) = bucket.limits();
    Failure::new(ErrorCode::RateLimited, message)
        .after(wait_ms)
        .with(json!({ "limit": limit, "burst": burst, "of": "socket" }))
}

/// The times of recent `RATE_LIMITED` answers.
#[derive(Default)]
struct Limited(VecDeque<i64>);

/// The socket violated a rule too often: close it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooOften;

impl Pace {
    /// A full bucket, and no violations.
    pub(super) fn new(settings: &Settings, payer: Payer, now_ms: i64) -> Pace {
        let enabled = settings.rate_limit_enabled;
        let bucket = if enabled {
            Bucket::new(settings.ops_per_second, settings.ops_burst, now_ms)
        } else {
            Bucket::unlimited()
        };
        Pace {
            bucket,
            payer,
            is_member: false,
            early: 0,
            enabled,
            bad_frames: 0,
            limited: None,
            controls: 0,
        }
    }

    /// The socket is of a user from now on, who pays, also for what came while the token was looked at: part of that was
    /// answered already.
    ///
    /// # Errors
    /// `RATE_LIMITED`: what waits is to be refused.
    pub(super) fn belongs_to(&mut self, limits: &Limits, user: Payer) -> Result<(), Failure> {
        (self.payer, self.is_member) = (user, true);
        match std::mem::take(&mut self.early) {
            0 => Ok(()),
            early => limits
                .spend(&self.payer, early)
                .inspect_err(|_| limits.owe(&self.payer, early)),
        }
    }

    /// The token was none, or the socket ends before that is known: the network pays for what came meanwhile.
    pub(super) fn belongs_to_nobody(&mut self, limits: &Limits) {
        limits.owe(&self.payer, std::mem::take(&mut self.early));
    }

    /// Counts a request that comes while the token is looked at: who pays for it is known soon.
    ///
    /// # Errors
    /// `RATE_LIMITED`
    pub(super) fn take_early(&mut self, cost: Cost, now_ms: i64) -> Result<(), Refused> {
        self.count(cost, now_ms)?;
        self.early = self.early.saturating_add(cost.units());
        Ok(())
    }

    #[inline]
    fn count(&mut self, cost: Cost, now_ms: i64) -> Result<(), Refused> {
        let taken = self.bucket.take(cost.operations, now_ms);
        taken.map_err(|wait_ms| Refused::Socket(too_many(self.bucket, wait_ms)))
    }

    /// Counts a request, and charges it.
    ///
    /// # Errors
    /// `RATE_LIMITED`; then nobody paid.
    #[inline]
    pub(super) fn take(&mut self, limits: &Limits, cost: Cost, now_ms: i64) -> Result<(), Refused> {
        self.count(cost, now_ms)?;
        limits.spend(&self.payer, cost.units()).map_err(Refused::Purse)
    }

    /// Charges what an empty purse does not refuse, as often as whoever it comes by may insist.
    ///
    /// # Errors
    /// `RATE_LIMITED`
    pub(super) fn insist(&self, limits: &Limits, cost: Cost, by: Who<'_>) -> Result<(), Refused> {
        let insisted = limits.insist(&self.payer, cost.units(), by);
        insisted.map_err(Refused::Purse)
    }

    /// Charges what was done before its cost was known. For somebody who is not signed in the socket pays too: a new address is
    /// easily found.
    pub(super) fn owe(&mut self, limits: &Limits, units: u32, now_ms: i64) {
        limits.owe(&self.payer, units);
        if !self.is_member {
            self.bucket.owe(units, now_ms);
        }
    }

    /// A request was answered with `RATE_LIMITED`. What others at the same address spent is not held against the socket.
    pub(super) fn limited(&mut self, refused: &Refused, now_ms: i64) -> Result<(), TooOften> {
        match refused {
            Refused::Purse(_) if !self.is_member => Ok(()),
            Refused::Purse(_) | Refused::Socket(_) => self.ignored(now_ms),
        }
    }

    fn ignored(&mut self, now_ms: i64) -> Result<(), TooOften> {
        let Limited(at_ms) = &mut **self.limited.get_or_insert_default();
        while at_ms
            .front()
            .is_some_and(|then| now_ms - then > LIMITED_WITHIN_MS)
        {
            at_ms.pop_front();
        }
        at_ms.push_back(now_ms);
        if at_ms.len() < LIMITED {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// A frame was not a request.
    pub(super) fn bad_frame(&mut self) -> Result<(), TooOften> {
        self.bad_frames += 1;
        if self.bad_frames < BAD_FRAMES {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// A ping or pong arrived.
    pub(super) fn control(&mut self) -> Result<(), TooOften> {
        self.controls += 1;
        if self.controls <= CONTROLS || !self.enabled {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// We send a ping: the count of control frames restarts.
    pub(super) fn forgive_controls(&mut self) {
        self.controls = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(pairs: &[(&str, &str)]) -> Pace {
        let settings = Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}"));
        Pace::new(&settings, Payer::default(), 0)
    }

    #[test]
    fn a_hundred_refusals_within_ten_seconds_are_too_many() {
        let mut pace = pace(&[]);
        for ms in 0..99 {
            assert_eq!(pace.ignored(ms), Ok(()));
        }
        assert_eq!(pace.ignored(9_999), Err(TooOften));
        assert_eq!(pace.ignored(20_000), Ok(()), "older refusals do not count");
    }

    #[test]
    fn refusals_count_in_any_ten_seconds() {
        let mut pace = pace(&[]);
        assert_eq!(pace.ignored(0), Ok(()));
        for _ in 0..94 {
            assert_eq!(pace.ignored(8_000), Ok(()));
        }
        for _ in 0..5 {
            assert_eq!(
                pace.ignored(10_500),
                Ok(()),
                "the first refusal is too old to count"
            );
        }
        assert_eq!(pace.ignored(11_000), Err(TooOften));
    }

    #[test]
    fn nothing_is_refused_when_limits_are_off() {
        let mut pace = pace(&[("rate_limit_enabled", "false")]);
        for _ in 0..100_000 {
            assert_eq!(pace.take(&Limits::off(), Cost::of(1, 0), 0), Ok(()));
            assert_eq!(pace.control(), Ok(()));
        }
    }

    #[test]
    fn what_others_at_the_address_spent_does_not_close_a_socket() {
        let mut pace = pace(&[]);
        let refused = Refused::Purse(Failure::new(ErrorCode::RateLimited, "too many"));
        for _ in 0..1000 {
            assert_eq!(pace.limited(&refused, 0), Ok(()));
        }
        assert_eq!(pace.belongs_to(&Limits::off(), Payer::default()), Ok(()));
        for _ in 0..99 {
            assert_eq!(pace.limited(&refused, 0), Ok(()));
        }
        assert_eq!(pace.limited(&refused, 0), Err(TooOften));
    }
}
