//! Limits: a token bucket for each socket, and windows that count by key (HTTP requests by address). Does not know what
//! is limited. Of the protocol it knows only the `Failure` of a refusal.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use taskwire_protocol::{ErrorCode, Failure};

/// One operation, in the unit that buckets count in. At `rate` operations a second, a millisecond refills exactly
/// `1000 × rate` units, so rounding never loses or gains time.
const MICRO: i64 = 1_000_000;
/// The time between two searches for ended windows. Without it, each new key could search them all.
const SWEEP_EVERY_MS: i64 = 1000;

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

/// The unit by which requests are counted: an IPv4 address, or the /64 of an IPv6 address, because even a single
/// customer has a whole /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Network {
        // A dual-stack socket sees IPv4 addresses as ::ffff:a.b.c.d, and these all share one /64.
        Network(match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// The state of a key's window, for the `X-RateLimit-*` headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests allowed in one window.
    pub limit: u32,
    /// Requests left in the current window.
    pub remaining: u32,
    /// Seconds until the next window, rounded up.
    pub reset_seconds: u64,
    /// Set if this request is refused: the milliseconds after which the next one passes.
    pub retry_after_ms: Option<u64>,
}

impl Allowance {
    /// The failure to answer with, if the request is refused.
    pub fn refusal(&self) -> Option<Failure> {
        let retry_after_ms = self.retry_after_ms?;
        let failure = Failure::new(ErrorCode::RateLimited, "too many requests; try again later");
        Some(failure.after(retry_after_ms))
    }
}

/// The requests of one key in its current window.
#[derive(Clone, Copy, Debug)]
struct Window {
    began_ms: i64,
    used: u32,
}

/// Fixed windows by key, with `limit` requests in each. The first window of a key begins with its first request.
///
/// At most `keys` keys are stored; each thread that adds one at the same instant may exceed this by one. When there is
/// no room, ended windows are removed. When all windows still run, new keys share one window. So a flood of addresses
/// is limited too; it neither costs memory nor evicts other keys.
#[derive(Debug)]
pub struct Windows<K: Eq + Hash> {
    /// `None`: no limit.
    limit: Option<u32>,
    window_ms: i64,
    keys: usize,
    by_key: DashMap<K, Window>,
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
            by_key: DashMap::new(),
            overflow: Mutex::new(Window {
                began_ms: i64::MIN,
                used: 0,
            }),
            swept_ms: AtomicI64::new(i64::MIN),
        }
    }

    /// Counts a request of this key; refused requests are not counted. `None`: there is no limit, so there are no
    /// headers either. `now_ms` may count from anywhere, as long as it is the same clock each time.
    pub fn take(&self, key: K, now_ms: i64) -> Option<Allowance> {
        let limit = self.limit?;
        if let Some(mut window) = self.by_key.get_mut(&key) {
            return Some(self.count(limit, &mut window, now_ms));
        }
        if self.by_key.len() >= self.keys {
            self.forget_ended(now_ms);
        }
        if self.by_key.len() >= self.keys {
            let mut shared = self.overflow.lock().unwrap_or_else(PoisonError::into_inner);
            return Some(self.count(limit, &mut shared, now_ms));
        }
        let fresh = || Window {
            began_ms: now_ms,
            used: 0,
        };
        let mut window = self.by_key.entry(key).or_insert_with(fresh);
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

    /// Whether the window has ended. A clock that went back to before its start ends it too: an extra window is better
    /// than a locked-out address.
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
            self.by_key.retain(|_, window| !self.ended(window, now_ms));
        }
    }
}

#[cfg(test)]
mod tests;
