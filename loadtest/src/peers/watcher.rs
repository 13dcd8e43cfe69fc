//! The events that arrived at one watcher of a peer. The number of an event is in its task's title, because only
//! Taskwire numbers events itself.

use super::hear::Heard;
use super::link::Link;
use crate::board::{Board, Tally};
use crate::fault::Fault;
use crate::trouble::Trouble;
use std::collections::BTreeSet;
use std::time::Instant;

/// The next event that a watcher expects, and the earlier ones that are missing.
#[derive(Debug)]
pub(super) struct Watcher {
    next: u64,
    pub(super) missing: BTreeSet<u64>,
}

impl Watcher {
    /// A watcher that expects `next` as its first event.
    pub(super) fn from(next: u64) -> Watcher {
        Watcher {
            next,
            missing: BTreeSet::new(),
        }
    }

    /// Reads a socket until it ends. Safe to cancel.
    pub(super) async fn follow(&mut self, link: &mut Link, board: &Board) -> Trouble {
        loop {
            let read = link.read(|now, heard| {
                if let Heard::Event(number) = heard {
                    board.add(|tally| self.take(tally, now, number));
                }
            });
            if let Err(trouble) = read.await {
                return trouble;
            }
        }
    }

    /// Counts an event. Returns whether to wake the driver. A late event counts as reordered; most peers do not promise
    /// an order.
    fn take(&mut self, tally: &mut Tally, now: Instant, number: u64) -> bool {
        if number < self.next {
            let late = self.missing.remove(&number);
            let fault = if late { Fault::Reordered } else { Fault::Duplicate };
            tally.faults.add(fault, 1, || format!("event {number}"));
            if !late {
                return false;
            }
        } else {
            self.missing.extend(self.next..number);
            self.next = number + 1;
        }
        tally.deliver(number, true, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_gap_a_late_event_and_a_repeat_are_seen() {
        let board = Board::new(Duration::ZERO);
        let (mut watcher, now) = (Watcher::from(1), Instant::now());
        for number in [1, 3, 2, 5, 5] {
            watcher.take(&mut board.lock(), now, number);
        }
        let tally = board.lock();
        assert_eq!(
            (tally.delivered, tally.faults.count.get(&Fault::Reordered)),
            (4, Some(&1))
        );
        assert_eq!(watcher.missing.iter().collect::<Vec<_>>(), [&4]);
        assert_eq!(tally.faults.count.get(&Fault::Duplicate), Some(&1));
    }
}
