//! How long a group waits for more mutations before it begins.

use super::item::{Bill, GROUP};
use super::turns::Turns;
use std::time::{Duration, Instant};

/// A group waits at most this long.
const LONGEST: Duration = Duration::from_millis(4);
/// A group begins earlier when nothing arrived and no other task ran for this long.
const QUIET: Duration = Duration::from_micros(200);
/// Debtors wait this long after a group of others, whose clients have their answers and are about to send the next requests.
const GRACE: Duration = Duration::from_millis(10);
/// After a debtor's group they wait as long as it took, up to this: so somebody who sends a mutation now and then does not meet
/// one such group after the other.
const PAUSE: Duration = Duration::from_millis(250);
/// After wasted work they wait so many times as long as it took, up to this.
const TIMES_WASTED: u32 = 3;
const PAUSE_WASTED: Duration = Duration::from_secs(1);
/// A turn of the scheduler that takes longer than this has run another task.
const TURN: Duration = Duration::from_micros(40);

/// Until when debtors wait, if they wait until `before` and a group has ended now. `owes`: it was a debtor's. `bills`: who pays
/// for it.
pub(super) fn grace(before: Instant, owes: bool, bills: &[Bill], took: Duration, now: Instant) -> Instant {
    let pause = if !owes {
        GRACE
    } else if bills.iter().any(|bill| bill.is_wasted) {
        (took * TIMES_WASTED).min(PAUSE_WASTED)
    } else {
        took.min(PAUSE)
    };
    before.max(now + pause)
}

/// The previous group. Its clients have their answers and are about to send the next requests. A group that began with
/// the first of these requests would make the others wait for a whole commit. So the next group waits until it has as
/// many submissions as the previous one, at most half as long as the previous one took. It begins early when nothing
/// arrives for a moment. After a group of a single submission it does not wait.
#[derive(Default)]
pub(super) struct Last {
    submissions: usize,
    wait: Duration,
}

impl Last {
    pub(super) fn new(submissions: usize, took: Duration) -> Last {
        let wait = if submissions > 1 {
            (took / 2).min(LONGEST)
        } else {
            Duration::ZERO
        };
        Last { submissions, wait }
    }

    /// Waits a moment until enough submissions wait. Debtors' do not count, since others go first.
    pub(super) async fn company(&self, turns: &Turns) {
        let began = Instant::now();
        let (mut idle, mut waiting) = (Duration::ZERO, turns.ready());
        loop {
            let now = Instant::now();
            let enough = waiting >= GROUP || waiting >= self.submissions;
            if enough || now - began >= self.wait || idle >= QUIET {
                return;
            }
            // other tasks run now, including sockets; a long turn means that one of them had work, perhaps an answer
            tokio::task::yield_now().await;
            let turn = now.elapsed();
            let before = std::mem::replace(&mut waiting, turns.ready());
            idle = if turn > TURN || waiting > before {
                Duration::ZERO
            } else {
                idle + turn
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::item::Whose;
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn debtors_pause_after_a_debtors_group_and_longer_after_wasted_work() {
        let now = Instant::now();
        let bill = |is_wasted| {
            let (whose, work) = (Whose::Server, 100 * MS);
            [Bill {
                whose,
                work,
                is_wasted,
            }]
        };
        let pause = |owes, bills: &[Bill], took: u32| grace(now, owes, bills, took * MS, now) - now;
        assert_eq!(pause(false, &bill(true), 100), GRACE);
        for (took, pauses, pauses_wasted) in [(100, 100, 300), (2_000, 250, 1_000)] {
            for bills in [&bill(false)[..], &[]] {
                assert_eq!(pause(true, bills, took), pauses * MS);
            }
            assert_eq!(pause(true, &bill(true), took), pauses_wasted * MS);
        }
        let later = now + 700 * MS;
        assert_eq!(grace(later, false, &[], MS, now), later, "a pause goes on");
    }
}
