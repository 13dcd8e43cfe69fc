//! Latencies of a phase: all of them, and those since the last `look`. So one record feeds both the percentiles and the
//! curve over time. Does not know the operations.

use hdrhistogram::Histogram;
use std::time::Duration;

/// Latencies in µs, from 1 µs to 10 minutes, three digits.
pub(crate) type Latency = Histogram<u64>;

/// An empty histogram of latencies.
pub(crate) fn latency() -> Latency {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("constant bounds that the library accepts")
}

/// A duration in µs.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A quantile in ms.
pub(crate) fn millis_at(latency: &Latency, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}

/// The latencies since the last `look`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lately {
    pub(crate) count: u64,
    /// In ms.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
}

/// Latencies of a phase.
#[derive(Clone)]
pub(crate) struct Meter {
    /// The latencies before the last `look`.
    before: Latency,
    lately: Latency,
}

impl Meter {
    pub(crate) fn new() -> Meter {
        Meter {
            before: latency(),
            lately: latency(),
        }
    }

    pub(crate) fn record(&mut self, took: Duration) {
        self.lately.saturating_record(micros(took));
    }

    /// Begins a phase.
    pub(crate) fn reset(&mut self) {
        self.before.reset();
        self.lately.reset();
    }

    /// Returns the latencies since the last `look`.
    pub(crate) fn look(&mut self) -> Lately {
        let lately = &self.lately;
        let seen = Lately {
            count: lately.len(),
            p50: millis_at(lately, 0.5),
            p99: millis_at(lately, 0.99),
            worst: lately.max() as f64 / 1000.0,
        };
        self.fold();
        seen
    }

    /// All latencies of the phase.
    pub(crate) fn whole(&mut self) -> &Latency {
        self.fold();
        &self.before
    }

    fn fold(&mut self) {
        // Both have the same bounds, so nothing can be out of range.
        let _ = self.before.add(&self.lately);
        self.lately.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_removes_nothing_from_the_whole() {
        let mut meter = Meter::new();
        for ms in 1..=100 {
            meter.record(Duration::from_millis(ms));
        }
        let first = meter.look();
        assert_eq!(first.count, 100);
        assert!(
            (first.p50 - 50.0).abs() < 0.1 && (first.p99 - 99.0).abs() < 0.1,
            "{first:?}"
        );
        assert_eq!(meter.look(), Lately::default());
        meter.record(Duration::from_millis(7));
        assert_eq!((meter.look().count, meter.whole().len()), (1, 101));
    }

    #[test]
    fn a_stall_shows_in_the_percentiles_of_all_delayed_requests() {
        // 1,000 requests a second; the server stops for a second. The wait of each request counts from its own turn.
        let mut meter = Meter::new();
        for n in 0..9_000 {
            let wait = if n < 1_000 { 1_000 - n } else { 1 };
            meter.record(Duration::from_millis(wait));
        }
        assert!(millis_at(meter.whole(), 0.95) > 400.0);
        assert!(millis_at(meter.whole(), 0.5) < 2.0);
    }
}
