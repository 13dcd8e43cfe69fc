//! Counts the requests of one socket against its rate limit, and its violations of the rules until it is closed. Only
//! counts: it answers and closes nothing.

use std::collections::VecDeque;

use crate::auth::limits::Bucket;
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
    enabled: bool,
    bad_frames: u8,
    /// Boxed: most sockets are never refused.
    limited: Option<Box<Limited>>,
    controls: u32,
}

/// The times of recent `RATE_LIMITED` answers.
#[derive(Default)]
struct Limited(VecDeque<i64>);

/// The socket violated a rule too often: close it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooOften;

impl Pace {
    /// A full bucket, and no violations.
    pub(super) fn new(settings: &Settings, now_ms: i64) -> Pace {
        let enabled = settings.rate_limit_enabled;
        let bucket = if enabled {
            Bucket::new(settings.ops_per_second, settings.ops_burst, now_ms)
        } else {
            Bucket::unlimited()
        };
        Pace {
            bucket,
            enabled,
            bad_frames: 0,
            limited: None,
            controls: 0,
        }
    }

    /// Counts a request of this many operations. When refused, returns how many milliseconds to wait.
    pub(super) fn take(&mut self, operations: u32, now_ms: i64) -> Result<(), u64> {
        self.bucket.take(operations, now_ms)
    }

    /// A request was answered with `RATE_LIMITED`.
    pub(super) fn limited(&mut self, now_ms: i64) -> Result<(), TooOften> {
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
        Pace::new(
            &Settings::from_pairs(pairs).unwrap_or_else(|error| panic!("{error}")),
            0,
        )
    }

    #[test]
    fn a_hundred_refusals_within_ten_seconds_are_too_many() {
        let mut pace = pace(&[]);
        for ms in 0..99 {
            assert_eq!(pace.limited(ms), Ok(()));
        }
        assert_eq!(pace.limited(9_999), Err(TooOften));
        assert_eq!(pace.limited(20_000), Ok(()), "older refusals do not count");
    }

    #[test]
    fn refusals_count_in_any_ten_seconds() {
        let mut pace = pace(&[]);
        assert_eq!(pace.limited(0), Ok(()));
        for _ in 0..94 {
            assert_eq!(pace.limited(8_000), Ok(()));
        }
        for _ in 0..5 {
            assert_eq!(
                pace.limited(10_500),
                Ok(()),
                "the first refusal is too old to count"
            );
        }
        assert_eq!(pace.limited(11_000), Err(TooOften));
    }

    #[test]
    fn nothing_is_refused_when_limits_are_off() {
        let mut pace = pace(&[("rate_limit_enabled", "false")]);
        for _ in 0..100_000 {
            assert_eq!((pace.take(1, 0), pace.control()), (Ok(()), Ok(())));
        }
    }
}
