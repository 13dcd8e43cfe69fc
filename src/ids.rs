//! Makes all ids: UUIDv7 (RFC 9562, section 5.7). They increase on a node, even within a millisecond and when the clock
//! steps back.

use crate::clock::Clock;
use std::sync::{Mutex, PoisonError};
use uuid::{ContextV7, Timestamp, Uuid};

/// Makes ids; shared by everything on a node.
#[derive(Debug)]
pub struct Ids {
    clock: Clock,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    ms: u64,
    counter: ContextV7,
}

impl Ids {
    /// Ids with the time of this clock.
    #[must_use]
    pub fn new(clock: Clock) -> Ids {
        Ids {
            clock,
            last: Mutex::new(Last {
                ms: 0,
                counter: ContextV7::new(),
            }),
        }
    }

    /// An id greater than every earlier one.
    pub fn next(&self) -> Uuid {
        self.next_at(self.clock.now_ms())
    }

    /// An id greater than every earlier one. It contains `now_ms` (Unix milliseconds), or the time of the last id if
    /// that is later.
    pub fn next_at(&self, now_ms: i64) -> Uuid {
        let now = u64::try_from(now_ms).unwrap_or_default();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.ms = last.ms.max(now);
        let nanos = u32::try_from(last.ms % 1000 * 1_000_000).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(&last.counter, last.ms / 1000, nanos))
    }
}

/// The time in a UUIDv7, in Unix milliseconds: its first 48 bits.
pub fn moment_ms(id: Uuid) -> i64 {
    (id.as_u128() >> 80) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_contains_its_time() {
        let ids = Ids::new(Clock::fixed(1_800_000_000_000));
        assert_eq!(moment_ms(ids.next()), 1_800_000_000_000);
        assert_eq!(moment_ms(ids.next_at(1_800_000_000_777)), 1_800_000_000_777);
        assert_eq!(moment_ms(ids.next()), 1_800_000_000_777);
    }

    #[test]
    fn ids_increase_even_when_the_clock_steps_back() {
        let clock = Clock::fixed(1_800_000_000_000);
        let ids = Ids::new(clock.clone());
        let mut last = ids.next();
        for i in 0..100_000 {
            if i % 1000 == 0 {
                clock.step(-3);
            }
            let next = ids.next();
            assert!(next > last);
            last = next;
        }
    }
}
