//! Which numbered messages of each sender came before. Redis keeps the order of a connection, so a number far below the
//! newest one is old. Pure bookkeeping of bounded size: the caller passes the time.

use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// The most senders that are remembered: as many as instances are listed.
const SENDERS: usize = 256;
/// A sender that was not heard for this long is forgotten. Its messages are then too old to be taken: see `gate::FRESH`.
const KEPT: Duration = Duration::from_mins(5);
/// How far numbers may arrive out of order.
const WINDOW: u64 = 64;

/// The numbers that arrived, by sender.
#[derive(Default)]
pub(super) struct Replays {
    senders: HashMap<u64, Numbers>,
}

/// What is known of a message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    New,
    /// It arrived before, or is far behind.
    Old,
    /// Its sender is one more than are remembered.
    OfOneTooMany,
}

struct Numbers {
    newest: u64,
    /// The bit of 2^n stands for `newest` - n.
    arrived: u64,
    heard: Instant,
}

impl Replays {
    /// Takes the number of a message that has an effect each time it is taken.
    pub(super) fn take(&mut self, sender: u64, number: u64, now: Instant) -> Number {
        if let Some(numbers) = self.senders.get_mut(&sender) {
            numbers.heard = now;
            return numbers.take(number);
        }
        if self.senders.len() >= SENDERS {
            self.senders
                .retain(|_, numbers| now.saturating_duration_since(numbers.heard) < KEPT);
        }
        if self.senders.len() >= SENDERS {
            return Number::OfOneTooMany;
        }
        let numbers = Numbers {
            newest: number,
            arrived: 1,
            heard: now,
        };
        self.senders.insert(sender, numbers);
        Number::New
    }

    /// Takes the number of a message that may come again without harm. A sender that is not known yet stays unknown.
    pub(super) fn take_of_known(&mut self, sender: u64, number: u64) -> Number {
        let numbers = self.senders.get_mut(&sender);
        numbers.map_or(Number::New, |numbers| numbers.take(number))
    }
}

impl Numbers {
    fn take(&mut self, number: u64) -> Number {
        if number > self.newest {
            let moved = number - self.newest;
            self.arrived = if moved < WINDOW { self.arrived << moved } else { 0 };
            (self.newest, self.arrived) = (number, self.arrived | 1);
            return Number::New;
        }
        let behind = self.newest - number;
        if behind >= WINDOW || self.arrived & (1 << behind) != 0 {
            return Number::Old;
        }
        self.arrived |= 1 << behind;
        Number::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn no_number_is_new_twice_and_every_number_of_a_nearly_ordered_sequence_is_new_once(
            steps in vec((0_u64..200, any::<bool>()), 1..300),
        ) {
            let (mut replays, now) = (Replays::default(), Instant::now());
            let (mut taken, mut newest) = (HashSet::new(), 1_000_u64);
            replays.take(1, newest, now);
            taken.insert(newest);
            for (step, onward) in steps {
                let number = if onward { newest + step } else { newest - step };
                let new = replays.take(1, number, now) == Number::New;
                let expected = !taken.contains(&number) && (number > newest || newest - number < WINDOW);
                prop_assert_eq!(new, expected, "{} after {}", number, newest);
                taken.insert(number);
                newest = newest.max(number);
            }
        }
    }

    #[test]
    fn senders_count_apart_and_no_more_of_them_are_remembered_than_there_may_be_instances() {
        let (mut replays, start) = (Replays::default(), Instant::now());
        for sender in 0..100_000 {
            let expected = if sender < 256 {
                Number::New
            } else {
                Number::OfOneTooMany
            };
            assert_eq!(replays.take(sender, 7, start), expected, "{sender}");
        }
        assert_eq!(replays.senders.len(), SENDERS);
        assert_eq!(replays.take(3, 7, start), Number::Old);
        assert_eq!(replays.take(3, 8, start + KEPT / 2), Number::New);
        assert_eq!(
            replays.take(900, 1, start + KEPT),
            Number::New,
            "the others are gone"
        );
        assert_eq!(replays.take(3, 8, start + KEPT), Number::Old);
        assert_eq!(replays.senders.len(), 2);
    }

    #[test]
    fn a_message_without_harm_makes_no_sender_known() {
        let (mut replays, now) = (Replays::default(), Instant::now());
        assert_eq!(replays.take_of_known(1, 5), Number::New);
        assert_eq!(replays.take_of_known(1, 5), Number::New);
        assert!(replays.senders.is_empty());
        assert_eq!(replays.take(1, 5, now), Number::New);
        assert_eq!(replays.take_of_known(1, 5), Number::Old);
        assert_eq!(replays.take_of_known(1, 6), Number::New);
        assert_eq!(replays.take(1, 6, now), Number::Old);
    }
}
