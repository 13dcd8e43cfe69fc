//! Gives people their turns at a rate, independent of the server. A separate thread gives the turns on time, and they
//! wait in a queue until they are taken. A latency counts from its turn, so a server that stalls is charged for
//! everything that was due meanwhile.

use crate::trouble::Trouble;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The most turns that may wait for one person. More are dropped and counted, and make the run meaningless.
const WAITING: usize = 20_000;
/// The longest sleep, so that the thread ends soon after it is stopped.
const NAP: Duration = Duration::from_millis(50);

/// Gives turns until it is stopped or dropped.
pub(crate) struct Metronome {
    stop: Arc<AtomicBool>,
    /// Returns how many turns it dropped.
    telling: Option<JoinHandle<u64>>,
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Metronome {
    /// Gives `people` their turns, one after the other, `per_second` in all, from `start` to `end`.
    pub(crate) fn start(
        people: usize,
        per_second: f64,
        start: Instant,
        end: Instant,
    ) -> (Metronome, Vec<Receiver<Instant>>) {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..people).map(|_| channel(WAITING)).unzip();
        let stop = Arc::<AtomicBool>::default();
        let stopped = stop.clone();
        let telling = std::thread::spawn(move || tell(&senders, per_second, start..end, &stopped));
        let metronome = Metronome {
            stop,
            telling: Some(telling),
        };
        (metronome, receivers)
    }

    /// Gives no further turns.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Relaxed);
    }

    /// Stops, and returns how many turns were dropped. Fails when the thread panicked, because the run lacks turns
    /// then.
    pub(crate) fn end(mut self) -> Result<u64, Trouble> {
        self.stop();
        let ended = self.telling.take().map_or(Ok(0), JoinHandle::join);
        ended.map_err(|_| Trouble::setup("the thread that gives the turns panicked"))
    }
}

/// Gives the turns. Returns how many it dropped.
fn tell(
    people: &[Sender<Instant>],
    per_second: f64,
    time: std::ops::Range<Instant>,
    stop: &AtomicBool,
) -> u64 {
    let mut dropped = 0;
    for (n, person) in (0_u64..).zip(people.iter().cycle()) {
        let turn = time.start + Duration::from_secs_f64(n as f64 / per_second);
        if turn >= time.end {
            break;
        }
        loop {
            let wait = turn.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            if stop.load(Relaxed) {
                return dropped;
            }
            std::thread::sleep(wait.min(NAP));
        }
        match person.try_send(turn) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => dropped += 1,
            // That person has ended, which is a separate fault. The others continue.
            Err(TrySendError::Closed(_)) => {
                dropped += 1;
                if people.iter().all(Sender::is_closed) {
                    break;
                }
            }
        }
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_the_clock_and_not_the_person_who_takes_them() {
        let start = Instant::now();
        let (metronome, mut turns) = Metronome::start(2, 1000.0, start, start + Duration::from_millis(100));
        // No turn is taken until all are over. Still none is lost and none is moved.
        std::thread::sleep(Duration::from_millis(150));
        for (n, turns) in turns.iter_mut().enumerate() {
            let mut taken = Vec::new();
            while let Some(turn) = turns.blocking_recv() {
                taken.push((turn - start).as_micros());
            }
            let expected: Vec<u128> = (0..50).map(|turn| (turn * 2 + n as u128) * 1000).collect();
            assert_eq!(taken, expected);
        }
        assert_eq!(metronome.end().expect("all turns"), 0);
    }
}
