//! How long a group's mutations made its writer work beyond what it does for any mutation, and for whom: lookups, decisions,
//! and entries written to the log. Tries that fail count too, but for what they wrote. Waits for locks of users and for a slow
//! network are nobody's.

use super::answer::Verdict;
use super::item::{Bill, Whose};
use super::submission::Submission;
use std::collections::BTreeMap;
use std::time::Duration;

/// A lookup or a decision as short as this is not counted.
pub(super) const QUICK: Duration = Duration::from_millis(1);
/// So many entries are free for each mutation.
const FREE: usize = 16;
/// The longest that an entry takes: what a write waits beyond that, as for the disk, is nobody's.
const ENTRY: Duration = Duration::from_micros(100);
/// So many statements are free for a group, as far as the database needs no longer than usual for them: on a slow network the
/// few lookups of any mutation take long.
const STATEMENTS: u32 = 16;
/// No statement usually takes longer than this.
const USUAL: Duration = Duration::from_millis(10);
/// A group that works no longer pays nothing: one of small mutations may take as long, and so may one lookup on a busy machine.
const SHORT: Duration = Duration::from_millis(20);
/// Work is wasted if it took longer than this for each entry that it led to: it can be repeated for ever.
const WORTH: Duration = Duration::from_millis(10);

/// The work, by owner.
#[derive(Default)]
pub(super) struct Costs(BTreeMap<Whose, Cost>);

#[derive(Default)]
struct Cost {
    work: Duration,
    entries: u32,
}

/// What a submission writes to the log.
pub(super) struct Written {
    whose: Whose,
    entries: u32,
    /// More than is free.
    is_much: bool,
}

impl Costs {
    /// A writer worked so long for somebody.
    pub(super) fn add(&mut self, whose: Whose, took: Duration) {
        if took >= QUICK && whose.pays() {
            self.0.entry(whose).or_default().work += took;
        }
    }

    /// A lookup took so long. Those for whom it ran share it: each asked for so many things.
    pub(super) fn looked_up(&mut self, took: Duration, asked: impl Iterator<Item = (Whose, u32)> + Clone) {
        let all: u32 = asked.clone().map(|(_, things)| things).sum();
        let mut shares: BTreeMap<Whose, u32> = BTreeMap::new();
        for (whose, things) in asked {
            *shares.entry(whose).or_default() += things;
        }
        for (whose, things) in shares {
            self.add(whose, took.mul_f64(f64::from(things) / f64::from(all.max(1))));
        }
    }

    /// What those write who write much, or for whom the writer worked before.
    pub(super) fn written(&self, submissions: &[Submission], verdicts: &[Verdict]) -> Vec<Written> {
        let all = submissions.iter().zip(verdicts);
        let counted = all.filter_map(|(submission, verdict)| {
            let (whose, entries) = (submission.whose, verdict.entries().len());
            let is_much = entries > FREE * verdict.mutations();
            (is_much || self.0.contains_key(&whose)).then(|| Written {
                whose,
                entries: u32::try_from(entries).unwrap_or(u32::MAX),
                is_much,
            })
        });
        counted.collect()
    }

    /// That was written and committed, in this time.
    pub(super) fn wrote(&mut self, written: &[Written], took: Duration) {
        let all: u32 = written.iter().map(|own| own.entries).sum();
        let entry = ENTRY.min(took / all.max(1));
        for own in written {
            if own.is_much {
                self.add(own.whose, entry * own.entries);
            }
            if let Some(cost) = self.0.get_mut(&own.whose) {
                cost.entries += own.entries;
            }
        }
    }

    /// What each owner pays: a share of what all of them cost beyond what is free, if that is much. `usual`: how long the
    /// database takes for a statement that is no work.
    pub(super) fn bills(self, usual: Duration) -> Vec<Bill> {
        let all: Duration = self.0.values().map(|cost| cost.work).sum();
        let beyond = all.saturating_sub(usual.min(USUAL) * STATEMENTS);
        if beyond <= SHORT {
            return Vec::new();
        }
        let part = beyond.as_secs_f64() / all.as_secs_f64();
        let bills = self.0.into_iter().map(|(whose, cost)| Bill {
            whose,
            work: cost.work.mul_f64(part),
            is_wasted: cost.work > WORTH * cost.entries,
        });
        bills.filter(|bill| bill.work >= QUICK).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::answer::Done;
    use crate::ops::sessions::EndAllSessions;
    use taskwire_protocol::UserId;
    use uuid::Uuid;

    const MS: Duration = Duration::from_millis(1);

    fn user(n: u128) -> Whose {
        Whose::User(UserId(Uuid::from_u128(n)))
    }

    /// Who pays for how many milliseconds.
    fn bills(costs: Costs) -> Vec<(Whose, u128)> {
        let bills = costs.bills(Duration::ZERO).into_iter();
        let millis = |work: Duration| work.as_secs_f64().mul_add(1000.0, 0.5) as u128;
        bills.map(|bill| (bill.whose, millis(bill.work))).collect()
    }

    /// Users 1, 2 and so on write so many entries, each with one mutation.
    fn written(costs: &Costs, entries: &[usize]) -> Vec<Written> {
        let of = |n| Submission::of_user(n, n, Box::new(EndAllSessions));
        let group: Vec<Submission> = (1..).take(entries.len()).map(of).collect();
        let mut to = 0;
        let verdicts = entries.iter().map(|entries| {
            let (data, from) = ("".into(), to);
            to += entries;
            Verdict::Done(Done { data, from, to })
        });
        costs.written(&group, &verdicts.collect::<Vec<_>>())
    }

    #[test]
    fn those_who_asked_share_the_time_of_a_lookup() {
        let asked = [(user(2), 1), (user(3), 2), (user(2), 1), (user(4), 4)];
        let mut costs = Costs::default();
        costs.looked_up(200 * MS, asked.into_iter());
        assert_eq!(bills(costs), [(user(2), 50), (user(3), 50), (user(4), 100)]);
    }

    #[test]
    fn work_adds_up_and_little_of_it_costs_nothing() {
        let mut costs = Costs::default();
        for _ in 0..100 {
            costs.add(user(1), QUICK / 2);
            costs.add(user(2), QUICK);
        }
        assert_eq!(bills(costs), [(user(2), 100)]);
        let mut costs = Costs::default();
        costs.add(user(3), SHORT);
        assert!(bills(costs).is_empty());
    }

    #[test]
    fn many_who_work_little_each_pay_if_it_is_much_together() {
        let mut costs = Costs::default();
        costs.looked_up(256 * MS, (0..16).map(|n| (user(n), 1)));
        assert_eq!(bills(costs), (0..16).map(|n| (user(n), 16)).collect::<Vec<_>>());
    }

    #[test]
    fn what_a_slow_network_takes_for_a_few_statements_is_free() {
        // an update with five lookups, and a batch with a hundred, at 8 ms a statement
        for (statements, pays) in [(5, None), (18, None), (100, Some(800 - 128))] {
            let mut costs = Costs::default();
            costs.add(user(1), statements * 8 * MS);
            let paid = costs.bills(8 * MS).first().map(|bill| bill.work.as_millis());
            assert_eq!(paid, pays, "{statements}");
        }
        // nobody makes everything seem slow
        let mut costs = Costs::default();
        costs.add(user(1), 500 * MS);
        let bills = costs.bills(128 * MS);
        assert!(bills[0].work > 300 * MS, "{bills:?}");
    }

    #[test]
    fn work_is_wasted_that_leads_to_few_entries() {
        for (entries, wasted) in [(0, true), (1, true), (49, true), (50, false), (10_000, false)] {
            let mut costs = Costs::default();
            costs.add(user(1), 500 * MS);
            let written = written(&costs, &[entries]);
            costs.wrote(&written, Duration::ZERO);
            assert_eq!(costs.bills(Duration::ZERO)[0].is_wasted, wasted, "{entries}");
        }
    }

    #[test]
    fn the_server_and_its_steps_pay_nothing() {
        let mut costs = Costs::default();
        let Whose::User(owner) = user(1) else {
            panic!("a user");
        };
        for whose in [Whose::Server, Whose::Steps(owner)] {
            costs.add(whose, 500 * MS);
        }
        assert!(bills(costs).is_empty());
    }

    #[test]
    fn entries_are_paid_by_those_who_wrote_many_however_long_the_disk_took() {
        for (took, pays) in [(4_000, 100), (50, 50)] {
            let mut costs = Costs::default();
            let written = written(&costs, &[2, 1_000, 16]);
            costs.wrote(&written, took * MS);
            assert_eq!(bills(costs), [(user(2), pays)]);
        }
    }
}
