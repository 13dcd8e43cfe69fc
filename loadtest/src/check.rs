//! The promises that are checked under load. Every socket sees each stream in order, without gaps and duplicates. Each
//! acknowledged operation is in the log exactly once, at the `seq` in its answer. Knows neither sockets nor time.

use crate::fault::{Fault, Faults};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// One socket's position in one stream.
struct Position {
    stream: Box<[u8]>,
    last: u64,
    /// Skipped events. One of them that arrives later was late; any other old event is a duplicate.
    skipped: BTreeSet<u64>,
}

/// One socket's position in each stream that it follows.
#[derive(Default)]
pub(crate) struct Positions(Vec<Position>);

impl Positions {
    /// The most skipped events remembered for a gap, so that a broken server cannot fill this program's memory.
    const SKIPPED: u64 = 10_000;

    /// Follows a stream from the event after `seq`. Replaces an earlier position of the stream.
    pub(crate) fn start(&mut self, stream: &str, seq: u64) {
        self.0.retain(|position| *position.stream != *stream.as_bytes());
        self.0.push(Position {
            stream: stream.as_bytes().into(),
            last: seq,
            skipped: BTreeSet::new(),
        });
    }

    /// The last event of each stream.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|position| {
            (
                str::from_utf8(&position.stream).unwrap_or_default(),
                position.last,
            )
        })
    }

    /// Checks an event and adds its faults to `faults`. Returns whether the event is new.
    pub(crate) fn take(&mut self, stream: &[u8], seq: u64, faults: &mut Faults) -> bool {
        let Some(at) = self.0.iter_mut().find(|position| *position.stream == *stream) else {
            faults.add(Fault::Stray, 1, || place(stream, seq));
            return false;
        };
        if seq == at.last + 1 {
            at.last = seq;
            return true;
        }
        if seq > at.last {
            let skipped = at.last + 1..seq;
            faults.add(Fault::Gap, seq - skipped.start, || {
                format!("{} arrived after {}", place(stream, seq), at.last)
            });
            at.skipped.extend(skipped.take(Self::SKIPPED as usize));
            at.last = seq;
            return true;
        }
        let late = at.skipped.remove(&seq);
        if late {
            faults.gap_was_filled();
        }
        let fault = if late { Fault::Reordered } else { Fault::Duplicate };
        faults.add(fault, 1, || {
            format!("{} arrived after {}", place(stream, seq), at.last)
        });
        late
    }
}

fn place(stream: &[u8], seq: u64) -> String {
    format!("{} {seq}", String::from_utf8_lossy(stream))
}

/// The operations of writers, and what watchers saw of them.
#[derive(Default)]
pub(crate) struct Ledger {
    acknowledged: HashMap<Uuid, u64>,
    seen: HashMap<Uuid, Vec<u64>>,
}

impl Ledger {
    /// Notes that the operation was answered with `ok`, and that the answer has this `seq` for its event.
    pub(crate) fn acknowledge(&mut self, op_id: Uuid, seq: u64) {
        self.acknowledged.insert(op_id, seq);
    }

    /// Notes that a watcher got the operation's event, with this `seq`.
    pub(crate) fn see(&mut self, op_id: Uuid, seq: u64) {
        self.seen.entry(op_id).or_default().push(seq);
    }

    /// How many operations were acknowledged.
    pub(crate) fn acknowledgements(&self) -> u64 {
        self.acknowledged.len() as u64
    }

    /// Adds all faults. Call it when everything should have arrived.
    pub(crate) fn verify(&self, faults: &mut Faults) {
        for (op_id, places) in self.seen.iter().filter(|(_, places)| places.len() > 1) {
            faults.add(Fault::DoneTwice, 1, || format!("op_id {op_id} at {places:?}"));
        }
        for (op_id, seq) in &self.acknowledged {
            match self.seen.get(op_id).map(Vec::as_slice) {
                None => faults.add(Fault::LostAck, 1, || {
                    format!("op_id {op_id}, acknowledged at {seq}")
                }),
                Some([place]) if place != seq => faults.add(Fault::WrongPlace, 1, || {
                    format!("op_id {op_id}, acknowledged at {seq}, arrived as {place}")
                }),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The faults of a socket that sees these events after event 10.
    fn faults_of(events: &[u64]) -> BTreeMap<Fault, u64> {
        let (mut positions, mut faults) = (Positions::default(), Faults::default());
        positions.start("workspace:1", 10);
        for seq in events {
            positions.take(b"workspace:1", *seq, &mut faults);
        }
        faults.count
    }

    #[test]
    fn events_in_order_are_not_a_fault() {
        assert!(faults_of(&[11, 12, 13]).is_empty());
    }

    #[test]
    fn a_gap_is_a_fault_for_each_missing_event() {
        assert_eq!(faults_of(&[11, 14, 15]), BTreeMap::from([(Fault::Gap, 2)]));
        assert_eq!(faults_of(&[12]), BTreeMap::from([(Fault::Gap, 1)]));
    }

    #[test]
    fn a_duplicate_is_a_fault() {
        assert_eq!(faults_of(&[11, 11]), BTreeMap::from([(Fault::Duplicate, 1)]));
        assert_eq!(faults_of(&[10]), BTreeMap::from([(Fault::Duplicate, 1)]));
    }

    #[test]
    fn a_reordered_event_is_neither_a_gap_nor_a_duplicate() {
        assert_eq!(faults_of(&[12, 11, 13]), BTreeMap::from([(Fault::Reordered, 1)]));
        let twice = BTreeMap::from([(Fault::Reordered, 1), (Fault::Duplicate, 1)]);
        assert_eq!(faults_of(&[12, 11, 11]), twice);
    }

    #[test]
    fn an_event_of_another_stream_is_stray() {
        let (mut positions, mut faults) = (Positions::default(), Faults::default());
        positions.start("user:1", 0);
        assert!(!positions.take(b"user:2", 1, &mut faults));
        assert_eq!(faults.count, BTreeMap::from([(Fault::Stray, 1)]));
    }

    /// The faults of three operations, acknowledged at 1, 2 and 3, whose events arrived with these `seq`s.
    fn faults_of_ops(places: [&[u64]; 3]) -> BTreeMap<Fault, u64> {
        let (mut ledger, mut faults) = (Ledger::default(), Faults::default());
        for (n, places) in places.iter().enumerate() {
            let op_id = Uuid::from_u128(n as u128);
            ledger.acknowledge(op_id, n as u64 + 1);
            places.iter().for_each(|seq| ledger.see(op_id, *seq));
        }
        ledger.verify(&mut faults);
        faults.count
    }

    #[test]
    fn each_acknowledged_operation_is_in_the_stream_once() {
        assert!(faults_of_ops([&[1], &[2], &[3]]).is_empty());
    }

    #[test]
    fn a_lost_acknowledgement_is_a_fault() {
        assert_eq!(
            faults_of_ops([&[1], &[], &[3]]),
            BTreeMap::from([(Fault::LostAck, 1)])
        );
    }

    #[test]
    fn an_operation_done_twice_or_elsewhere_is_a_fault() {
        assert_eq!(
            faults_of_ops([&[1], &[2, 4], &[3]]),
            BTreeMap::from([(Fault::DoneTwice, 1)])
        );
        assert_eq!(
            faults_of_ops([&[1], &[2], &[4]]),
            BTreeMap::from([(Fault::WrongPlace, 1)])
        );
    }

    #[test]
    fn an_event_may_arrive_before_its_acknowledgement() {
        let (mut ledger, mut faults) = (Ledger::default(), Faults::default());
        ledger.see(Uuid::from_u128(1), 5);
        ledger.acknowledge(Uuid::from_u128(1), 5);
        ledger.verify(&mut faults);
        assert!(faults.is_empty());
    }
}
