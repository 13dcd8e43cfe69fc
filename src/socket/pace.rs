//! How much one socket may ask for, and how often it may break the rules before it is closed. Counts; answers and
//! closes nothing.

use crate::auth::limits::Bucket;
use crate::config::Settings;

/// Frames that were no requests, until the socket is closed.
const BAD_FRAMES: u8 = 10;
/// `RATE_LIMITED` answers within [`LIMITED_WITHIN_MS`], until the socket is closed.
const LIMITED: u8 = 100;
const LIMITED_WITHIN_MS: i64 = 10_000;
/// Pings and pongs between two of our own pings: a client needs one or two.
const CONTROLS: u32 = 2000;

/// The counts of one socket.
pub(super) struct Pace {
    bucket: Bucket,
    enabled: bool,
    bad_frames: u8,
    limited: u8,
    limited_since_ms: i64,
    controls: u32,
}

/// It was too often: close the socket.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooOften;

impl Pace {
    /// A full bucket, nothing counted.
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
            limited: 0,
            limited_since_ms: 0,
            controls: 0,
        }
    }

    /// A request of so many operations; refused, the milliseconds to wait.
    pub(super) fn take(&mut self, operations: u32, now_ms: i64) -> Result<(), u64> {
        self.bucket.take(operations, now_ms)
    }

    /// A request was answered with `RATE_LIMITED`.
    pub(super) fn limited(&mut self, now_ms: i64) -> Result<(), TooOften> {
        if now_ms - self.limited_since_ms > LIMITED_WITHIN_MS || self.limited == 0 {
            (self.limited, self.limited_since_ms) = (0, now_ms);
        }
        self.limited += 1;
        if self.limited < LIMITED {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// A frame was no request.
    pub(super) fn bad_frame(&mut self) -> Result<(), TooOften> {
        self.bad_frames += 1;
        if self.bad_frames < BAD_FRAMES {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// A ping or pong came.
    pub(super) fn control(&mut self) -> Result<(), TooOften> {
        self.controls += 1;
        if self.controls <= CONTROLS || !self.enabled {
            Ok(())
        } else {
            Err(TooOften)
        }
    }

    /// A ping of ours goes out.
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
        assert_eq!(pace.limited(20_000), Ok(()), "a new window");
    }

    #[test]
    fn nothing_is_refused_when_limits_are_off() {
        let mut pace = pace(&[("rate_limit_enabled", "false")]);
        for _ in 0..100_000 {
            assert_eq!((pace.take(1, 0), pace.control()), (Ok(()), Ok(())));
        }
    }
}
