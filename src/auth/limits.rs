//! Limits: a token bucket for each socket, and windows for what is counted by key (requests by address over HTTP). Does
//! not know what is limited, nor what a refusal looks like on the wire beyond its `Failure`.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use taskwire_protocol::{ErrorCode, Failure};

/// One operation, in the unit that buckets count in: at `rate` operations a second a millisecond refills exactly
/// `1000 × rate` of it, so no rounding ever loses or gives time.
const MICRO: i64 = 1_000_000;
/// Time between two searches for ended windows: with every key fresh, each newcomer would search them all.
const SWEEP_EVERY_MS: i64 = 1000;

/// A token bucket: `rate` operations a second in the long run, `burst` at once. Small, for every socket has one.
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

    /// Takes `cost` operations out of it, or nothing. A cost greater than the burst passes when the bucket is full, and
    /// what it took too much is waited for afterwards: a large batch stays possible, and costs what its parts would.
    ///
    /// Refused: the milliseconds after which the same would pass.
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

    fn refill(&mut self, now_ms: i64) {
        // A clock that went back gives nothing, and is believed from there.
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

/// Where a request comes from, as it is counted: an IPv4 address, or the /64 of an IPv6 one, which is what a single
/// customer has at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Network {
        // A dual-stack socket sees IPv4 as ::ffff:a.b.c.d, all of which is one /64.
        Network(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        })
    }
}

/// Where a key stands in its window: what the `X-RateLimit-*` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests of one window.
    pub limit: u32,
    /// Those left in this one.
    pub remaining: u32,
    /// Seconds until the next window, rounded up.
    pub reset_seconds: u64,
    /// This request is refused; the milliseconds after which one would pass.
    pub retry_after_ms: Option<u64>,
}

impl Allowance {
    /// The refusal as it travels, if it is one.
    pub fn refusal(&self) -> Option<Failure> {
        let retry_after_ms = self.retry_after_ms?;
        let failure = Failure::new(ErrorCode::RateLimited, "too many requests; try again later");
        Some(failure.after(retry_after_ms))
    }
}

/// What one key did in its current window.
#[derive(Clone, Copy, Debug)]
struct Window {
    began_ms: i64,
    used: u32,
}

/// Fixed windows by key: `limit` requests in each, the first of which begins when the key is first seen.
///
/// At most `keys` are remembered (at most one more a thread, for the instant in which several arrive at once). When
/// there is no room, ended windows are forgotten; when all are running, newcomers share one window, so that a flood of
/// addresses is limited too, instead of costing memory or pushing others out.
#[derive(Debug)]
pub struct Windows<K: Eq + Hash> {
    /// `None`: no limit.
    limit: Option<u32>,
    window_ms: i64,
    keys: usize,
    windows: DashMap<K, Window>,
    overflow: Mutex<Window>,
    swept_ms: AtomicI64,
}

impl<K: Eq + Hash> Windows<K> {
    /// `limit` requests (at least one) in each `window` (at least a millisecond), for `keys` keys.
    pub fn new(limit: u32, window: Duration, keys: usize) -> Windows<K> {
        let window_ms = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
        Windows::with(Some(limit.max(1)), window_ms.max(1), keys)
    }

    /// Counts nothing and never refuses.
    pub fn unlimited() -> Windows<K> {
        Windows::with(None, 1, 0)
    }

    fn with(limit: Option<u32>, window_ms: i64, keys: usize) -> Windows<K> {
        Windows {
            limit,
            window_ms,
            keys,
            windows: DashMap::new(),
            overflow: Mutex::new(Window {
                began_ms: i64::MIN,
                used: 0,
            }),
            swept_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// Counts a request of this key; a refused one counts for nothing. `None`: there is no limit, so there are no
    /// headers either. `now_ms` may count from anywhere, as long as it is the same clock each time.
    pub fn take(&self, key: K, now_ms: i64) -> Option<Allowance> {
        let limit = self.limit?;
        if let Some(mut window) = self.windows.get_mut(&key) {
            return Some(self.count(limit, &mut window, now_ms));
        }
        if self.windows.len() >= self.keys {
            self.forget_ended(now_ms);
        }
        if self.windows.len() >= self.keys {
            let mut shared = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
            return Some(self.count(limit, &mut shared, now_ms));
        }
        let fresh = || Window {
            began_ms: now_ms,
            used: 0,
        };
        let mut window = self.windows.entry(key).or_insert_with(fresh);
        Some(self.count(limit, &mut window, now_ms))
    }

    fn count(&self, limit: u32, window: &mut Window, now_ms: i64) -> Allowance {
        if self.ended(window, now_ms) {
            *window = Window {
                began_ms: now_ms,
                used: 0,
            };
        }
        let allowed = window.used < limit;
        window.used += u32::from(allowed);
        let elapsed_ms = now_ms.saturating_sub(window.began_ms);
        let left_ms = self.window_ms.saturating_sub(elapsed_ms).unsigned_abs();
        Allowance {
            limit,
            remaining: limit - window.used,
            reset_seconds: left_ms.div_ceil(1000),
            retry_after_ms: (!allowed).then_some(left_ms),
        }
    }

    /// Also when the clock went back to before its beginning: better one window too many than an address locked out.
    fn ended(&self, window: &Window, now_ms: i64) -> bool {
        let elapsed_ms = now_ms.saturating_sub(window.began_ms);
        !(0..self.window_ms).contains(&elapsed_ms)
    }

    fn forget_ended(&self, now_ms: i64) {
        let swept_ms = self.swept_ms.load(Ordering::Relaxed);
        let recently = (0..SWEEP_EVERY_MS).contains(&now_ms.saturating_sub(swept_ms));
        let mine = || {
            self.swept_ms
                .compare_exchange(swept_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if !recently && mine() {
            self.windows.retain(|_, window| !self.ended(window, now_ms));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_mins(1);

    fn windows(limit: u32, keys: usize) -> Windows<&'static str> {
        Windows::new(limit, WINDOW, keys)
    }

    fn passes(windows: &Windows<&'static str>, key: &'static str, now_ms: i64) -> bool {
        windows.take(key, now_ms).unwrap().retry_after_ms.is_none()
    }

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
            "10 s at 50 a second, the last of which is due at their end"
        );
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = Bucket::new(1000, 3, 0);
        assert_eq!(bucket.take(3, i64::MAX), Ok(()));
        assert_eq!(bucket.take(1, i64::MAX), Err(1));
    }

    #[test]
    fn waiting_as_long_as_was_said_is_enough_at_any_rate() {
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
    fn an_unlimited_bucket_never_refuses() {
        let mut bucket = Bucket::unlimited();
        assert!((0..100_000).all(|_| bucket.take(u32::MAX, 0).is_ok()));
    }

    #[test]
    fn a_window_counts_down_refuses_and_begins_anew() {
        let windows = windows(2, 10);
        let at = |now_ms| windows.take("a", now_ms).unwrap();
        let first = Allowance {
            limit: 2,
            remaining: 1,
            reset_seconds: 60,
            retry_after_ms: None,
        };
        assert_eq!(at(5_000), first);
        assert_eq!((at(5_001).remaining, at(5_001).retry_after_ms), (0, Some(59_999)));
        let refused = at(64_999);
        assert_eq!((refused.reset_seconds, refused.retry_after_ms), (1, Some(1)));
        let failure = refused.refusal().unwrap();
        assert_eq!(
            (failure.code, failure.retry_after_ms),
            (ErrorCode::RateLimited, Some(1))
        );
        assert_eq!(at(65_000), first);
        assert_eq!(first.refusal(), None);
    }

    #[test]
    fn keys_are_counted_apart() {
        let windows = windows(1, 10);
        assert!(passes(&windows, "a", 0) && passes(&windows, "b", 0));
        assert!(!passes(&windows, "a", 0));
    }

    #[test]
    fn when_every_window_is_running_newcomers_share_one_and_nobody_is_pushed_out() {
        let windows = windows(2, 2);
        assert!(passes(&windows, "a", 0) && passes(&windows, "b", 0));
        assert!(passes(&windows, "c", 0) && passes(&windows, "d", 0));
        assert!(!passes(&windows, "e", 0), "c and d used it up");
        assert!(passes(&windows, "a", 0) && !passes(&windows, "a", 0));
        assert_eq!(windows.windows.len(), 2);
        assert!(passes(&windows, "e", 60_000), "the ended ones made room");
        assert_eq!(windows.windows.len(), 1);
    }

    #[test]
    fn ended_windows_are_looked_for_once_a_second_at_most() {
        let windows = windows(1, 1);
        assert!(passes(&windows, "a", 0) && passes(&windows, "b", 59_900));
        assert!(!passes(&windows, "c", 60_100), "the shared window still runs");
        assert!(passes(&windows, "c", 60_900));
    }

    #[test]
    fn a_clock_that_goes_back_locks_nobody_out() {
        let windows = windows(1, 10);
        assert!(passes(&windows, "a", 1_000_000) && passes(&windows, "a", 0));
    }

    #[test]
    fn threads_share_a_limit_exactly() {
        let windows = windows(1000, 10);
        let passed: usize = std::thread::scope(|scope| {
            let threads =
                [(); 4].map(|()| scope.spawn(|| (0..500).filter(|_| passes(&windows, "a", 0)).count()));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        assert_eq!(passed, 1000);
    }

    #[test]
    fn without_a_limit_nothing_is_kept() {
        let windows: Windows<&str> = Windows::unlimited();
        assert_eq!(windows.take("a", 0), None);
        assert!(windows.windows.is_empty());
    }

    #[test]
    fn an_ipv6_customer_counts_as_one_and_mapped_ipv4_as_ipv4() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.7"), network("192.0.2.7"));
        assert_ne!(network("::ffff:192.0.2.7"), network("::ffff:192.0.2.8"));
    }
}
