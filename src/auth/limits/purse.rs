//! A purse: what somebody may still spend, and what they owe. It is one number, which threads share without a lock: the time
//! at which everything spent is earned again. Does not know who somebody is, nor what costs how much.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::who::Key;

const SECOND_NS: i64 = 1_000_000_000;
/// Nobody owes more than is earned in this time, beside the burst: what costs much must not keep its user out for long.
const DEBT_NS: i64 = 30 * SECOND_NS;
/// The other instances are told when this part of the burst was spent.
const TOLD_PARTS: u32 = 16;

/// How much purses of one kind hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Earned in a second.
    pub(super) per_second: u32,
    /// The time in which a unit is earned.
    unit_ns: i64,
    /// The time in which an empty purse fills.
    room_ns: i64,
    /// So many units are told to the other instances at once.
    pub(super) told: u32,
}

impl Rate {
    pub(super) fn new(per_second: u32, burst: u32) -> Rate {
        let (per_second, burst) = (per_second.max(1), burst.max(1));
        let unit_ns = SECOND_NS / i64::from(per_second);
        Rate {
            per_second,
            unit_ns,
            room_ns: unit_ns * i64::from(burst),
            told: (burst / TOLD_PARTS).max(1),
        }
    }

    /// The time in which so many units are earned.
    pub(super) fn earns_ns(&self, units: u32) -> i64 {
        self.unit_ns.saturating_mul(i64::from(units))
    }

    /// The most that somebody owes, in the time in which it is earned.
    pub(super) fn most_ns(&self) -> i64 {
        self.room_ns.saturating_add(DEBT_NS)
    }
}

/// Whose a purse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// A user's.
    User,
    /// A network's.
    Network,
    /// That of a session or a token, for what must pass although its user or network has nothing left.
    Spare,
}

/// What one user or network spent. Small, because there may be one for each socket.
#[derive(Debug)]
pub(super) struct Purse {
    /// When everything spent is earned again, in nanoseconds of the meter's clock.
    earned_ns: AtomicI64,
    /// Units of which the other instances do not know.
    untold: AtomicU32,
    pub(super) whose: Whose,
    /// Its name for the other instances.
    pub(super) key: Key,
}

const _: () = assert!(size_of::<Purse>() <= 32);

impl Purse {
    /// A full purse.
    pub(super) fn new(whose: Whose, key: Key) -> Purse {
        Purse {
            earned_ns: AtomicI64::new(i64::MIN),
            untold: AtomicU32::new(0),
            whose,
            key,
        }
    }

    /// Nanoseconds until this can be spent; 0: now. A cost above the burst can be spent from a full purse: it is owed.
    pub(super) fn wait_ns(&self, rate: &Rate, units: u32, now_ns: i64) -> i64 {
        let needed = rate.earns_ns(units).min(rate.room_ns);
        let earned = self.earned_ns.load(Ordering::Relaxed);
        let ready = earned.saturating_add(needed - rate.room_ns);
        ready.saturating_sub(now_ns).max(0)
    }

    /// Spends it, whether or not it is there.
    pub(super) fn pay(&self, rate: &Rate, units: u32, now_ns: i64) {
        self.earned_ns.fetch_max(now_ns, Ordering::Relaxed);
        let earns = rate.earns_ns(units).min(rate.most_ns());
        let earned = self.earned_ns.fetch_add(earns, Ordering::Relaxed) + earns;
        let most = now_ns.saturating_add(rate.most_ns());
        if earned > most {
            self.earned_ns.fetch_min(most, Ordering::Relaxed);
        }
    }

    /// Whether it is full.
    pub(super) fn is_full(&self, now_ns: i64) -> bool {
        self.earned_ns.load(Ordering::Relaxed) <= now_ns
    }

    /// Remembers to tell the other instances. True when that is due.
    pub(super) fn remember(&self, rate: &Rate, units: u32) -> bool {
        let units = units.min(u32::MAX / 4); // two threads must not overflow it
        let before = self.untold.fetch_add(units, Ordering::Relaxed);
        if before > u32::MAX / 2 {
            self.untold.store(rate.told, Ordering::Relaxed);
        }
        before < rate.told && before.saturating_add(units) >= rate.told
    }

    /// What is to be told now.
    pub(super) fn tell(&self) -> u32 {
        self.untold.swap(0, Ordering::Relaxed)
    }

    /// All instances together have spent what is earned in this time.
    pub(super) fn learn(&self, rate: &Rate, left_ns: i64, now_ns: i64) {
        let untold = rate.earns_ns(self.untold.load(Ordering::Relaxed));
        let left = left_ns.saturating_add(untold).clamp(0, rate.most_ns());
        self.earned_ns
            .fetch_max(now_ns.saturating_add(left), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn purse() -> Purse {
        Purse::new(Whose::User, Key(1))
    }

    /// Spends, or returns the milliseconds to wait.
    fn spend(purse: &Purse, rate: &Rate, units: u32, now_ms: i64) -> Result<(), i64> {
        match purse.wait_ns(rate, units, now_ms * MS) {
            0 => {
                purse.pay(rate, units, now_ms * MS);
                Ok(())
            }
            wait => Err((wait + MS - 1) / MS),
        }
    }

    #[test]
    fn a_purse_gives_its_burst_and_then_its_rate() {
        let (purse, rate) = (purse(), Rate::new(50, 200));
        for _ in 0..200 {
            assert_eq!(spend(&purse, &rate, 1, 7), Ok(()));
        }
        assert_eq!(spend(&purse, &rate, 1, 7), Err(20));
        assert_eq!(spend(&purse, &rate, 1, 26), Err(1));
        assert_eq!(spend(&purse, &rate, 1, 27), Ok(()));
        assert_eq!(spend(&purse, &rate, 1, 27), Err(20));
        let passed = (0..10_000).filter(|ms| spend(&purse, &rate, 1, 27 + ms).is_ok());
        assert_eq!(passed.count(), 499);
        assert_eq!(
            spend(&purse, &rate, 200, 1_000_000),
            Ok(()),
            "never more than the burst"
        );
        assert!(spend(&purse, &rate, 1, 1_000_000).is_err());
    }

    #[test]
    fn waiting_for_the_returned_time_is_enough_at_any_rate() {
        for per_second in [1, 3, 7, 50, 999, 1001, 1_000_000] {
            let (purse, rate) = (purse(), Rate::new(per_second, 10));
            assert_eq!(spend(&purse, &rate, 10, 0), Ok(()));
            let wait_ms = spend(&purse, &rate, 7, 0).unwrap_err();
            assert_eq!(spend(&purse, &rate, 7, wait_ms), Ok(()), "{per_second}");
        }
    }

    #[test]
    fn a_cost_above_the_burst_passes_when_full_and_debt_is_cut() {
        let (purse, rate) = (purse(), Rate::new(10, 20));
        assert_eq!(spend(&purse, &rate, 100, 0), Ok(()));
        assert_eq!(spend(&purse, &rate, 1, 0), Err(8_100));
        assert_eq!(spend(&purse, &rate, 1, 8_100), Ok(()));
        purse.pay(&rate, u32::MAX, 8_100 * MS);
        assert_eq!(spend(&purse, &rate, 1, 8_100), Err(30_100));
        assert_eq!(spend(&purse, &rate, 1, 38_200), Ok(()));
    }

    #[test]
    fn threads_share_a_purse() {
        let (purse, rate) = (purse(), Rate::new(1, 1000));
        let passed: usize = std::thread::scope(|scope| {
            let threads = [(); 4]
                .map(|()| scope.spawn(|| (0..500).filter(|_| spend(&purse, &rate, 1, 0).is_ok()).count()));
            threads.map(|thread| thread.join().unwrap()).iter().sum()
        });
        // each thread may look before another one pays
        assert!((1000..1004).contains(&passed), "{passed}");
    }

    #[test]
    fn what_all_instances_spent_counts_and_a_lie_keeps_nobody_out_for_long() {
        let (purse, rate) = (purse(), Rate::new(10, 160));
        assert!(
            !purse.remember(&rate, 9) && purse.remember(&rate, 1),
            "a sixteenth"
        );
        assert!(!purse.remember(&rate, 1), "it was told already");
        assert_eq!(purse.tell(), 11);
        purse.learn(&rate, 15_000 * MS, 0);
        assert_eq!(spend(&purse, &rate, 10, 0), Ok(()));
        assert_eq!(spend(&purse, &rate, 1, 0), Err(100));
        purse.learn(&rate, i64::MAX, 0);
        assert_eq!(spend(&purse, &rate, 1, 0), Err(30_100));
        purse.learn(&rate, -5, 0);
        assert_eq!(spend(&purse, &rate, 1, 0), Err(30_100), "nothing is given back");
    }
}
