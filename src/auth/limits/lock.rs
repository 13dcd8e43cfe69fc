//! The failed sign-ins of accounts in memory, and the lock that follows them: after five failures in 15 minutes a second,
//! then twice as long after each further one, up to 15 minutes. Does not know whether an account exists.

use std::collections::VecDeque;

use taskwire_protocol::{ErrorCode, Failure};

use super::bounded::Bounded;
use super::who::Key;

/// This many failures lock.
pub(super) const FAILURES: usize = 5;
/// Failures are forgotten after this time, and those that led to a lock after this time without a further one.
pub(super) const WINDOW_MS: i64 = 15 * 60_000;
/// The first lock.
pub(super) const SHORTEST_MS: i64 = 1000;
/// The longest lock.
pub(super) const LONGEST_MS: i64 = 15 * 60_000;
/// More failures than this make no lock longer.
pub(super) const KEPT: usize = 16;
/// The most e-mail addresses that memory keeps.
const KEYS: usize = 100_000;

/// The answer while an account is locked: the same for the right password, and for an address without an account.
pub(super) fn locked(retry_after_ms: u64) -> Failure {
    metrics::counter!("taskwire_limited_total", "limit" => "failures").increment(1);
    Failure::new(
        ErrorCode::AccountLocked,
        "too many failed sign-ins; wait before you try again",
    )
    .after(retry_after_ms)
}

/// The failures of e-mail addresses.
#[derive(Debug)]
pub(super) struct Locks(Bounded<Failures>);

impl Default for Locks {
    fn default() -> Locks {
        Locks(Bounded::new(KEYS))
    }
}

/// The times of an address's failures, oldest first.
#[derive(Debug, Default)]
struct Failures(VecDeque<i64>);

impl Locks {
    /// Begins a sign-in: counts a failure in advance. If the address is locked, nothing is counted, and the answer is
    /// the time until the lock ends.
    pub(super) fn begin(&self, key: Key, now_ms: i64) -> u64 {
        let mut failures = self.0.of(key, now_ms, |failures| failures.is_over(now_ms));
        failures.forget(now_ms);
        let left_ms = failures.locked_until_ms().saturating_sub(now_ms);
        if left_ms > 0 {
            return left_ms.unsigned_abs();
        }
        if failures.0.len() >= KEPT {
            failures.0.pop_front();
        }
        failures.0.push_back(now_ms);
        0
    }

    /// The sign-in succeeded: all failures are forgotten.
    pub(super) fn succeed(&self, key: Key) {
        self.0.remove(key);
    }

    /// The sign-in that began at this time had no outcome.
    pub(super) fn undo(&self, key: Key, at_ms: i64) {
        if let Some(mut failures) = self.0.find(key)
            && let Some(i) = failures.0.iter().rposition(|at| *at == at_ms)
        {
            failures.0.remove(i);
        }
    }
}

impl Failures {
    fn locked_until_ms(&self) -> i64 {
        match (self.0.len().checked_sub(FAILURES), self.0.back()) {
            (Some(further), Some(last)) => last.saturating_add(lock_ms(further)),
            _ => i64::MIN,
        }
    }

    fn is_over(&self, now_ms: i64) -> bool {
        let last = self.0.back().copied().unwrap_or(i64::MIN);
        let quiet_since = last.max(self.locked_until_ms());
        quiet_since.saturating_add(WINDOW_MS) <= now_ms
    }

    fn forget(&mut self, now_ms: i64) {
        if self.is_over(now_ms) {
            self.0.clear();
        } else if self.0.len() < FAILURES {
            self.0.retain(|at| at.saturating_add(WINDOW_MS) > now_ms);
        }
    }
}

fn lock_ms(further: usize) -> i64 {
    let further = u32::try_from(further).unwrap_or(u32::MAX).min(30);
    (SHORTEST_MS << further).min(LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: Key = Key(1 << 64);

    #[test]
    fn five_failures_lock_for_a_second_that_doubles_to_fifteen_minutes() {
        let locks = Locks::default();
        let mut now_ms = 0;
        for _ in 0..FAILURES {
            assert_eq!(locks.begin(ADA, now_ms), 0);
            now_ms += 10;
        }
        now_ms -= 10;
        let mut locked: Vec<u64> = Vec::new();
        for _ in 0..14 {
            let left_ms = locks.begin(ADA, now_ms);
            assert_eq!(
                locks.begin(ADA, now_ms + left_ms as i64 - 1),
                1,
                "a try during the lock makes it no longer"
            );
            locked.push(left_ms / 1000);
            now_ms += left_ms as i64;
            assert_eq!(locks.begin(ADA, now_ms), 0);
        }
        assert_eq!(
            locked,
            [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]
        );
    }

    #[test]
    fn failures_are_forgotten_after_a_success_and_after_fifteen_quiet_minutes() {
        let locks = Locks::default();
        let fail = |times: usize, now_ms| (0..times).all(|_| locks.begin(ADA, now_ms) == 0);
        assert!(fail(4, 0));
        locks.succeed(ADA);
        assert!(fail(5, 1) && locks.begin(ADA, 1) > 0);
        // the lock of a second ends at 1,001
        assert!(fail(1, 1_001) && locks.begin(ADA, 1_001) == 2_000);
        assert!(fail(4, 3_001 + WINDOW_MS));
        // the oldest of the four leave the window
        assert!(fail(4, 3_001 + 2 * WINDOW_MS));
    }

    #[test]
    fn a_sign_in_without_an_outcome_does_not_count() {
        let locks = Locks::default();
        for now_ms in 0..100 {
            assert_eq!(locks.begin(ADA, now_ms), 0);
            locks.undo(ADA, now_ms);
        }
    }

    #[test]
    fn a_hundred_tries_at_once_are_no_more_than_five() {
        let locks = Locks::default();
        assert_eq!((0..100).filter(|_| locks.begin(ADA, 7) == 0).count(), FAILURES);
        assert_eq!(locks.begin(Key(2 << 64), 7), 0, "others are not concerned");
    }
}
