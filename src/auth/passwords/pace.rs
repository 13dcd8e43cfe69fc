//! How long a hash takes, and when a caller that was refused has its turn. Only counts: it hashes and waits for nothing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::limits::Device;

/// What is assumed before the first hash.
const ASSUMED: Duration = Duration::from_millis(50);
/// A measured time moves the average by one part in this many.
const WEIGHT: u64 = 8;
/// Nobody is asked to wait longer: most of those before them may not come back.
const LONGEST: Duration = Duration::from_secs(30);

/// The pace of the threads.
#[derive(Debug)]
pub(super) struct Pace {
    threads: u32,
    /// The average time of a hash, in microseconds.
    hash_us: AtomicU64,
    /// The last turns that were given to refused callers: strangers, and known devices.
    promised: [Mutex<Option<Instant>>; 2],
}

impl Pace {
    pub(super) fn of(threads: usize) -> Pace {
        Pace {
            threads: u32::try_from(threads).unwrap_or(u32::MAX).max(1),
            hash_us: AtomicU64::new(ASSUMED.as_micros() as u64),
            promised: [const { Mutex::new(None) }; 2],
        }
    }

    /// A hash took this long.
    pub(super) fn measured(&self, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let average = |us: u64| us - us / WEIGHT + took_us / WEIGHT;
        let _ = self
            .hash_us
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |us| Some(average(us)));
    }

    /// The time in which this many hashes are done.
    pub(super) fn time_for(&self, hashes: usize) -> Duration {
        let hash = Duration::from_micros(self.hash_us.load(Ordering::Relaxed));
        let hashes = u32::try_from(hashes).unwrap_or(u32::MAX);
        hash.saturating_mul(hashes) / self.threads
    }

    /// When a refused caller should come back: after the `ahead` that wait, and after those of its kind that were refused
    /// before it and come back as well. So a crowd comes back in turn, and not all at once to be refused again.
    pub(super) fn turn(&self, device: Device, ahead: usize, now: Instant) -> Duration {
        let [strangers, known] = &self.promised;
        let promised = match device {
            Device::Stranger => strangers,
            Device::Known => known,
        };
        let mut promised = promised.lock().unwrap_or_else(PoisonError::into_inner);
        let free = now + self.time_for(ahead);
        let after = promised.map_or(free, |last| last.max(free));
        let turn = (after + self.time_for(1)).min(now + LONGEST);
        *promised = Some(turn);
        turn - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_callers_come_back_in_turn_and_not_later_than_in_half_a_minute() {
        let (pace, now) = (Pace::of(2), Instant::now());
        for _ in 0..100 {
            pace.measured(Duration::from_millis(100));
        }
        let hash = pace.time_for(2).as_millis();
        assert!((95..=100).contains(&hash), "{hash}");
        let turns: Vec<u128> = (0..1000)
            .map(|_| pace.turn(Device::Stranger, 40, now).as_millis())
            .collect();
        assert!(
            (1900..=2050).contains(&turns[0]),
            "40 wait, two at a time: {}",
            turns[0]
        );
        assert!((45..=50).contains(&(turns[1] - turns[0])));
        assert!(turns.is_sorted() && turns[999] == LONGEST.as_millis());
        assert!(
            pace.turn(Device::Known, 2, now).as_millis() <= 150,
            "strangers were refused"
        );
        let later = now + Duration::from_mins(1);
        assert!(
            pace.turn(Device::Stranger, 0, later).as_millis() <= 50,
            "nobody waits any more"
        );
    }
}
