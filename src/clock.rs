//! The current time. Only this module asks the operating system for it, so that tests can set and step it. Does not
//! measure durations: `Instant` does that and never jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock; its clones show the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    /// `None`: the system's time.
    stands_at_ms: Option<i64>,
    /// The sum of all steps.
    stepped_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self {
            stands_at_ms: None,
            stepped_ms: Arc::default(),
        }
    }

    /// A clock that stands still at `at_ms` (Unix milliseconds) until it is stepped.
    pub fn fixed(at_ms: i64) -> Self {
        Self {
            stands_at_ms: Some(at_ms),
            stepped_ms: Arc::default(),
        }
    }

    /// Whether it shows a time of its own, like that of a demo's month.
    pub fn is_fixed(&self) -> bool {
        self.stands_at_ms.is_some()
    }

    /// Unix time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        let base_ms = self.stands_at_ms.unwrap_or_else(system_ms);
        base_ms.saturating_add(self.stepped_ms.load(Ordering::Relaxed))
    }

    /// Moves this clock and its clones, backwards if `by_ms` is negative. Tests let days pass with it, or let a clock
    /// jump.
    pub fn step(&self, by_ms: i64) {
        self.stepped_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods, reason = "every other place asks this clock")]
fn system_ms() -> i64 {
    // A time before 1970 means that the machine's clock is not set; 1970 is as good.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn clones_are_stepped_together() {
        let clock = Clock::fixed(1000);
        let other = clock.clone();
        clock.step(500);
        other.step(-200);
        assert_eq!((clock.now_ms(), other.now_ms()), (1300, 1300));
    }

    #[test]
    fn the_system_clock_runs_and_can_be_stepped() {
        let (clock, other) = (Clock::system(), Clock::system());
        assert!(clock.now_ms() > 1_700_000_000_000);
        clock.step(3_600_000);
        assert!(clock.now_ms() >= other.now_ms() + 3_599_000);
    }
}
