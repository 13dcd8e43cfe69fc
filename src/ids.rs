//! Makes all ids: UUIDv7 (RFC 9562, section 5.7). They increase on a node, even within a millisecond, when the clock
//! steps back, and over a restart.

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
        Ids::after(clock, 0)
    }

    /// Ids with the time of this clock, greater than all with a time up to `newest_ms` (Unix milliseconds).
    #[must_use]
    pub fn after(clock: Clock, newest_ms: i64) -> Ids {
        Ids {
            clock,
            last: Mutex::new(Last {
                ms: u64::try_from(newest_ms).map_or(0, |ms| ms + 1),
                counter: ContextV7::new(),
            }),
        }
    }

    /// The latest time in an id from here (Unix milliseconds).
    pub fn newest_ms(&self) -> i64 {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.ms as i64
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

/// The least id with a time (Unix milliseconds): every id with an earlier time is less.
pub fn first_at(ms: i64) -> Uuid {
    Uuid::from_u128(u128::from(ms.max(0).unsigned_abs()) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_contains_its_time() {
        let ids = Ids::new(Clock::fixed(1_800_000_000_000));
        assert_eq!(moment_ms(ids.next()), 1_800_000_000_000);
        assert_eq!(moment_ms(ids.next_at(1_800_000_000_777)), 1_800_000_000_777);
        let (earlier, first) = (ids.next_at(1_800_000_000_777), first_at(1_800_000_000_778));
        assert!(earlier < first && first < ids.next_at(1_800_000_000_778));
        // the clock is behind the newest id, and ids increase
        assert_eq!(moment_ms(ids.next()), 1_800_000_000_778);
    }

    #[test]
    fn ids_increase_over_a_restart_that_sets_the_clock_back() {
        let before = Ids::new(Clock::fixed(1_800_000_000_000));
        let last = (0..1000).map(|_| before.next()).max();
        let after = Ids::after(Clock::fixed(1_700_000_000_000), before.newest_ms());
        assert!(Some(after.next()) > last);
        // a clock that is right again is what counts
        assert_eq!(moment_ms(after.next_at(1_900_000_000_000)), 1_900_000_000_000);
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
