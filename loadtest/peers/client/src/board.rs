//! What all sockets of a run bring together: deliveries, their latency, and what was wrong. Watchers write to it, a
//! scenario waits on it. Does not know who sends, or why.

use crate::hear::Heard;
use crate::link::Link;
use crate::trouble::Trouble;
use hdrhistogram::Histogram;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Without any progress for so long, what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Latencies in µs.
pub(crate) type Latency = Histogram<u64>;

/// An empty histogram, from 1 µs to 10 minutes.
pub(crate) fn latency() -> Latency {
    Histogram::new_with_bounds(1, 600_000_000, 3).expect("constant bounds that the library takes")
}

/// A duration as latencies are counted.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Takes a lock. A panic elsewhere has ended the run already.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What all sockets of a run bring together.
pub(crate) struct Board {
    tally: Mutex<Tally>,
    progress: Notify,
}

/// The sums.
pub(crate) struct Tally {
    /// Events that reached a socket for the first time, since the last `begin`.
    pub(crate) delivered: u64,
    /// From when an event should have been sent to its arrival at each socket.
    pub(crate) latency: Latency,
    /// What must not happen, and how often it did.
    pub(crate) faults: BTreeMap<&'static str, u64>,
    /// Events that came after a later one. The peers promise no order, so this is no fault.
    pub(crate) disordered: u64,
    intended: Vec<Instant>,
    base: u64,
    wake_at: u64,
}

/// What one watcher knows: which event is next, and which of those before it did not come.
#[derive(Debug)]
pub(crate) struct Watcher {
    next: u64,
    pub(crate) missing: BTreeSet<u64>,
}

impl Watcher {
    /// A watcher for whom `next` is the first event.
    pub(crate) fn from(next: u64) -> Watcher {
        Watcher {
            next,
            missing: BTreeSet::new(),
        }
    }
}

impl Board {
    pub(crate) fn new() -> Arc<Board> {
        let tally = Tally {
            delivered: 0,
            latency: latency(),
            faults: BTreeMap::new(),
            disordered: 0,
            intended: Vec::new(),
            base: 0,
            wake_at: u64::MAX,
        };
        Arc::new(Board {
            tally: Mutex::new(tally),
            progress: Notify::new(),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    /// Begins a phase: nothing delivered yet, and the next event is the one after `base`. Faults stay.
    pub(crate) fn begin(&self, base: u64) {
        let mut tally = self.lock();
        (tally.delivered, tally.base) = (0, base);
        tally.latency.reset();
        tally.intended.clear();
    }

    /// The next event should be sent at `moment`.
    pub(crate) fn intend(&self, moment: Instant) {
        self.lock().intended.push(moment);
    }

    /// Counts something that must not happen.
    pub(crate) fn fault(&self, what: &'static str, times: u64) {
        if times > 0 {
            *self.lock().faults.entry(what).or_default() += times;
        }
    }

    /// Waits until so many events are delivered since `begin`. False: nothing has come for too long.
    pub(crate) async fn until(&self, delivered: u64) -> bool {
        let mut before = None;
        loop {
            let progress = self.progress.notified();
            let now = {
                let mut tally = self.lock();
                tally.wake_at = delivered;
                tally.delivered
            };
            if now >= delivered {
                return true;
            }
            if before == Some(now) {
                return false;
            }
            if timeout(PATIENCE, progress).await.is_err() {
                before = Some(now);
            }
        }
    }

    /// The same, and what did not come is a fault.
    pub(crate) async fn all(&self, deliveries: u64) {
        if !self.until(deliveries).await {
            let missing = deliveries.saturating_sub(self.lock().delivered);
            self.fault("deliveries that never came", missing);
        }
    }

    /// Reads a socket until it ends. May be dropped at any await.
    pub(crate) async fn follow(&self, link: &mut Link, watcher: &mut Watcher) -> Trouble {
        loop {
            let read = link.read(|now, heard| {
                if let Heard::Event(number) = heard
                    && self.lock().take(watcher, now, number)
                {
                    self.progress.notify_one();
                }
            });
            if let Err(trouble) = read.await {
                return trouble;
            }
        }
    }
}

impl Tally {
    /// Counts an event; says whether somebody waits for it.
    fn take(&mut self, watcher: &mut Watcher, now: Instant, number: u64) -> bool {
        if number < watcher.next {
            if !watcher.missing.remove(&number) {
                *self.faults.entry("events that came twice").or_default() += 1;
                return false;
            }
            self.disordered += 1;
        } else {
            watcher.missing.extend(watcher.next..number);
            watcher.next = number + 1;
        }
        self.delivered += 1;
        let place = usize::try_from(number.wrapping_sub(self.base + 1)).ok();
        if let Some(intended) = place.and_then(|n| self.intended.get(n)) {
            self.latency
                .saturating_record(micros(now.saturating_duration_since(*intended)));
        }
        let due = self.delivered >= self.wake_at;
        if due {
            self.wake_at = u64::MAX;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_a_late_event_and_a_repeat_are_seen() {
        let board = Board::new();
        let (mut watcher, now) = (Watcher::from(1), Instant::now());
        for number in [1, 3, 2, 5, 5] {
            board.lock().take(&mut watcher, now, number);
        }
        let tally = board.lock();
        assert_eq!((tally.delivered, tally.disordered), (4, 1));
        assert_eq!(watcher.missing.iter().collect::<Vec<_>>(), [&4]);
        assert_eq!(tally.faults.get("events that came twice"), Some(&1));
    }
}
