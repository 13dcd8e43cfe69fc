//! The token bucket of a socket. Does not know what costs how much.

/// One operation, in the unit that buckets count in. At `rate` operations a second, a millisecond refills exactly
/// `1000 × rate` units, so rounding never loses or gains time.
const MICRO: i64 = 1_000_000;

/// A token bucket: `rate` operations a second in the long run, `burst` at once. Small, because every socket has one.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// In millionths of an operation; below zero after a cost greater than the burst.
    level: i64,
    refilled_ms: i64,
    /// Operations a second; 0: no limit.
    rate: u32,
    burst: u32,
}

const _: () = assert!(size_of::<Bucket>() <= 24);

impl Bucket {
    /// A full bucket. `now_ms` may count from anywhere, as long as it is the same clock each time.
    pub fn new(ops_per_second: u32, burst: u32, now_ms: i64) -> Bucket {
        let burst = burst.max(1);
        Bucket {
            level: i64::from(burst) * MICRO,
            refilled_ms: now_ms,
            rate: ops_per_second.max(1),
            burst,
        }
    }

    /// A bucket that never refuses.
    pub fn unlimited() -> Bucket {
        Bucket {
            level: 0,
            refilled_ms: 0,
            rate: 0,
            burst: 0,
        }
    }

    /// Operations a second, and at once.
    pub fn limits(&self) -> (u32, u32) {
        (self.rate, self.burst)
    }

    /// Takes `cost` operations, or none. A cost greater than the burst passes when the bucket is full; later operations
    /// then wait until the excess is refilled. So a large batch is possible and costs as much as its parts.
    ///
    /// A refusal returns the milliseconds after which the same cost passes.
    pub fn take(&mut self, cost: u32, now_ms: i64) -> Result<(), u64> {
        if self.rate == 0 || cost == 0 {
            return Ok(());
        }
        self.refill(now_ms);
        let needed = i64::from(cost.min(self.burst)) * MICRO;
        if self.level >= needed {
            self.level -= i64::from(cost) * MICRO;
            return Ok(());
        }
        let missing = (needed - self.level).unsigned_abs();
        Err(missing.div_ceil(self.per_ms().unsigned_abs()))
    }

    /// Takes what was done before its cost was known; at most a burst is owed.
    pub fn owe(&mut self, cost: u32, now_ms: i64) {
        if self.rate > 0 {
            self.refill(now_ms);
            let burst = i64::from(self.burst) * MICRO;
            self.level = (self.level - i64::from(cost) * MICRO).max(self.level.min(-burst));
        }
    }

    fn refill(&mut self, now_ms: i64) {
        // A clock that went back refills nothing; from then on its new time counts.
        let elapsed_ms = now_ms.saturating_sub(self.refilled_ms).max(0);
        let gained = elapsed_ms.saturating_mul(self.per_ms());
        self.level = self
            .level
            .saturating_add(gained)
            .min(i64::from(self.burst) * MICRO);
        self.refilled_ms = now_ms;
    }

    fn per_ms(&self) -> i64 {
        i64::from(self.rate) * (MICRO / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(50, 200, 7);
        for _ in 0..200 {
            assert_eq!(bucket.take(1, 7), Ok(()));
        }
        assert_eq!(bucket.take(1, 7), Err(20));
        assert_eq!(bucket.take(1, 26), Err(1));
        assert_eq!(bucket.take(1, 27), Ok(()));
        assert_eq!(bucket.take(1, 27), Err(20));
        let passed = (0..10_000).filter(|ms| bucket.take(1, 27 + ms).is_ok()).count();
        assert_eq!(
            passed, 499,
            "50 a second for 10 s are 500; the last one is due at the end of the 10 s"
        );
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::new(1000, 3, 0);
        assert_eq!(bucket.take(3, i64::MAX), Ok(()));
        assert_eq!(bucket.take(1, i64::MAX), Err(1));
    }

    #[test]
    fn waiting_for_the_returned_time_is_enough_at_any_rate() {
        for rate in [1, 3, 7, 50, 999, 1001, u32::MAX] {
            let mut bucket = Bucket::new(rate, 10, 0);
            assert_eq!(bucket.take(10, 0), Ok(()));
            let wait_ms = bucket.take(7, 0).unwrap_err() as i64;
            assert!(bucket.take(7, wait_ms - 1).is_err(), "rate {rate}");
            assert_eq!(bucket.take(7, wait_ms), Ok(()), "rate {rate}");
        }
    }

    #[test]
    fn a_cost_above_the_burst_passes_when_full_and_is_paid_for_afterwards() {
        let mut bucket = Bucket::new(10, 20, 0);
        assert_eq!(bucket.take(100, 0), Ok(()));
        assert_eq!(bucket.take(1, 0), Err(8_100));
        assert_eq!(bucket.take(1, 8_100), Ok(()));
        assert_eq!(bucket.take(100, 8_100), Err(2_000));
        assert_eq!(bucket.take(u32::MAX, 10_100), Ok(()));
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
        let mut bucket = Bucket::new(10, 2, 10_000);
        assert_eq!(bucket.take(2, 10_000), Ok(()));
        assert_eq!(bucket.take(1, 0), Err(100));
        assert_eq!(bucket.take(1, 100), Ok(()));
    }

    #[test]
    fn what_is_owed_comes_before_the_next_operation() {
        let mut bucket = Bucket::new(10, 20, 0);
        bucket.owe(25, 0);
        assert_eq!(bucket.take(1, 0), Err(600));
        bucket.owe(u32::MAX, 0);
        assert_eq!(bucket.take(1, 0), Err(2100), "a burst at most");
        let mut unlimited = Bucket::unlimited();
        unlimited.owe(u32::MAX, 0);
        assert_eq!(unlimited.take(1, 0), Ok(()));
    }

    #[test]
    fn an_unlimited_bucket_never_refuses() {
        let mut bucket = Bucket::unlimited();
        assert!((0..100_000).all(|_| bucket.take(u32::MAX, 0).is_ok()));
    }
}
