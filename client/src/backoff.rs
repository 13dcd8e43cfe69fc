//! How long to wait before the next try: full jitter, so that clients which lost a server together do not come back
//! together. Does not wait itself.

use rand::RngExt as _;
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(20);
/// A connection that lasted this long was a good one: the next failure begins anew. A shorter one may be part of a
/// loop of welcome and failure, which has to slow down.
const LASTED: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// A wait between nothing and 0.5 s for the first try, twice as long at most with each further one, up to 20 s.
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

    /// A connection that was welcomed at that moment has ended.
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
