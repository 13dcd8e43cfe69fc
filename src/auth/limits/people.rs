//! How many strangers an account tried to reach in the last hour: people with whom it shares no workspace, whether or
//! not they have an account. Each person counts once.

use std::collections::VecDeque;

use taskwire_protocol::Failure;

use super::allowance::refused;
use super::bounded::Bounded;
use super::who::Key;

const HOUR_MS: i64 = 3_600_000;
/// The most accounts that memory keeps.
const KEYS: usize = 100_000;

/// The people whom accounts tried to reach.
#[derive(Debug)]
pub(super) struct People {
    number: u32,
    by_account: Bounded<Reached>,
}

/// Whom an account tried to reach, and when, oldest first.
#[derive(Debug, Default)]
struct Reached(VecDeque<(i64, Key)>);

impl People {
    pub(super) fn new(number: u32) -> People {
        People {
            number: number.max(1),
            by_account: Bounded::new(KEYS),
        }
    }

    /// An account tries to reach a person.
    pub(super) fn take(&self, account: Key, person: Key, now_ms: i64) -> Result<(), Failure> {
        let left = |at: i64| at.saturating_add(HOUR_MS).saturating_sub(now_ms);
        let is_over = |reached: &Reached| reached.0.back().is_none_or(|(at, _)| left(*at) <= 0);
        let mut reached = self.by_account.of(account, now_ms, is_over);
        while reached.0.front().is_some_and(|(at, _)| left(*at) <= 0) {
            reached.0.pop_front();
        }
        if reached.0.iter().any(|(_, other)| *other == person) {
            return Ok(());
        }
        if reached.0.len() >= self.number as usize {
            let oldest_ms = reached.0.front().map_or(0, |(at, _)| left(*at));
            metrics::counter!("taskwire_limited_total", "limit" => "strangers").increment(1);
            return Err(refused(
                "strangers",
                "people who share no workspace with you",
                self.number,
                oldest_ms.max(1).unsigned_abs(),
            ));
        }
        reached.0.push_back((now_ms, person));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_person_counts_once_an_hour() {
        let people = People::new(2);
        let take = |person, now_ms| people.take(Key(1 << 64), Key(person), now_ms).is_ok();
        assert!(take(1, 0) && take(2, 10) && take(1, 20) && take(2, 20));
        assert!(!take(3, 20));
        let refused = people.take(Key(1 << 64), Key(3), 20).unwrap_err();
        assert_eq!(refused.retry_after_ms, Some(HOUR_MS as u64 - 20));
        assert!(take(3, HOUR_MS) && !take(4, HOUR_MS));
        assert!(people.take(Key(2 << 64), Key(4), 20).is_ok(), "another account");
    }
}
