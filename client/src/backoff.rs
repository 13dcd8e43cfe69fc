//! The wait before the next attempt, with full jitter: clients that lost a server at the same moment do not come back
//! at the same moment. Does not wait itself.

use rand::RngExt as _;
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);
/// A connection that lasted this long resets the backoff. A shorter one may belong to a loop of welcome and failure,
/// which has to slow down.
const LASTED: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// A random wait up to a bound: 0.5 s at first, twice as much after each attempt, at most 20 s.
    pub(crate) fn next(&mut self) -> Duration {
        let most = self.most();
        self.tries = self.tries.saturating_add(1);
        most.mul_f64(rand::rng().random_range(0.0..=1.0))
    }

    fn most(&self) -> Duration {
        FIRST
            .saturating_mul(2_u32.saturating_pow(self.tries))
            .min(LONGEST)
    }

    /// Notes the end of a connection that was welcomed at this moment.
    pub(crate) fn served_since(&mut self, welcomed: Instant) {
        if welcomed.elapsed() >= LASTED {
            self.tries = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_half_a_second_to_twenty() {
        let mut backoff = Backoff::default();
        let bounds: Vec<u128> = (0..8)
            .map(|_| {
                let most = backoff.most();
                assert!(backoff.next() <= most);
                most.as_millis()
            })
            .collect();
        assert_eq!(bounds, [500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
    }

    #[test]
    fn the_first_wait_is_jittered_over_its_whole_range() {
        let waits: Vec<_> = (0..200).map(|_| Backoff::default().next()).collect();
        assert!(waits.iter().any(|wait| *wait < FIRST / 4));
        assert!(waits.iter().any(|wait| *wait > FIRST * 3 / 4));
    }
}
