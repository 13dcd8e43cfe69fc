//! Users for whom a writer worked for long: others go first for a while.

use super::*;
use std::collections::BTreeSet;

const MS: Duration = Duration::from_millis(1);

/// Bills the owners of these submissions for this time, each. Returns when.
fn charge(turns: &Turns, group: &[Submission], work: Duration) -> Instant {
    bill(turns, group, work, false)
}

/// The same. `is_wasted`: the work led to nothing.
fn bill(turns: &Turns, group: &[Submission], work: Duration, is_wasted: bool) -> Instant {
    let owners: BTreeSet<Whose> = group.iter().map(|submission| submission.whose).collect();
    let bill = |whose| Bill {
        whose,
        work,
        is_wasted,
    };
    let now = Instant::now();
    turns.charge(owners.into_iter().map(bill).collect(), now);
    now
}

/// What a single writer would get at that time; a group of others has just ended.
fn at(turns: &Turns, now: Instant) -> Next {
    let mut state = turns.lock();
    let mut picking = Picking::new(&Nothing, false);
    picking.pick(&mut state.submissions, now, now + MS);
    turns.count(&state);
    picking.next()
}

/// Checks that the only debtor waits until then, for so many milliseconds since `from`, and no longer.
fn assert_waits(turns: &Turns, from: Instant, lasts: u32) {
    assert!(
        matches!(at(turns, from + (lasts - 1) * MS), Next::Held),
        "{lasts}"
    );
    let Next::Group(picked) = at(turns, from + lasts * MS) else {
        panic!("the debt is over after {lasts}");
    };
    assert!(picked.owes.is_none(), "{lasts}");
}

#[test]
fn a_debtor_waits_while_others_come_and_is_served_when_nobody_does() {
    let turns = flooded(200);
    charge(&turns, &next(&turns), Duration::from_secs(5));
    assert_eq!((turns.waiting(), turns.ready()), (200 - GROUP, 0));
    for user in 2..12 {
        enter(&turns, 1, submission(user, 0, on_lane(0)));
        assert_eq!(users(&next(&turns)), [user], "the debtor does not join");
        // who sends one mutation after the other has none waiting now
        assert!(matches!(at(&turns, Instant::now()), Next::Held));
    }
    let Next::Group(picked) = turns.group(&Nothing, false, Instant::now()) else {
        panic!("nobody else has come");
    };
    let size = picked.submissions.len();
    assert_eq!(
        (picked.owes, size),
        (Some(user(1)), 1),
        "the next may cost as much"
    );
    let beside = Run {
        owes: picked.owes,
        ..Run::default()
    };
    assert!(group(&turns, &beside, false).is_empty(), "one group at a time");
}

#[test]
fn a_debt_lasts_four_times_as_long_as_the_work_and_no_longer_than_a_second() {
    for (work, lasts) in [(100, 400), (5_000, 1_000)] {
        let turns = flooded(200);
        let from = charge(&turns, &next(&turns), work * MS);
        assert_waits(&turns, from, lasts);
    }
}

#[test]
fn a_debt_for_what_led_to_nothing_is_longer() {
    for (work, lasts) in [(2, 50), (40, 1_000), (5_000, 1_000)] {
        let turns = flooded(200);
        let from = bill(&turns, &next(&turns), work * MS, true);
        assert_waits(&turns, from, lasts);
    }
}

#[test]
fn debts_add_up_and_those_of_users_without_mutations_count_too() {
    let turns = flooded(1);
    let first = next(&turns);
    let from = charge(&turns, &first, 100 * MS);
    turns.charge(
        vec![Bill {
            whose: user(1),
            work: 100 * MS,
            is_wasted: false,
        }],
        from,
    );
    enter(&turns, 1, submission(1, 1, on_lane(0)));
    assert_eq!(turns.ready(), 0);
    assert_waits(&turns, from, 800);
    // what nobody waits for any more is forgotten
    let from = charge(&turns, &first, 100 * MS);
    enter(&turns, 1, submission(2, 1, on_lane(0)));
    assert!(matches!(at(&turns, from + 400 * MS), Next::Group(_)));
    assert_eq!(turns.lock().submissions.owners(), 0);
}

#[test]
fn a_debt_does_not_become_smaller_by_another_one() {
    let turns = Turns::new();
    for n in 1..=8 {
        enter(&turns, 1, submission(n, n, on_lane(0)));
    }
    let group = next(&turns);
    let from = bill(&turns, &group, 500 * MS, true);
    let of_one = |submission: &Submission| user_of(submission) == 8;
    let one: Vec<Submission> = group.into_iter().filter(of_one).collect();
    charge(&turns, &one, 20 * MS);
    enter(&turns, 1, submission(8, 8, on_lane(0)));
    assert_waits(&turns, from, 3_000);
}

#[test]
fn many_debtors_wait_longer_than_one_but_not_for_what_was_carried_out() {
    // seven others owe: together they worked eight times as long
    for (is_wasted, work, lasts) in [
        (false, 20, 640),
        (false, 500, 1_000),
        (true, 20, 640),
        (true, 500, 3_000),
    ] {
        let turns = Turns::new();
        for n in 1..=8 {
            enter(&turns, 1, submission(n, n, on_lane(0)));
        }
        let from = bill(&turns, &next(&turns), work * MS, is_wasted);
        enter(&turns, 1, submission(8, 8, on_lane(0)));
        assert_waits(&turns, from, lasts);
    }
}

#[test]
fn whose_debt_has_ended_comes_after_those_who_wait() {
    let turns = flooded(200);
    let from = charge(&turns, &next(&turns), 100 * MS);
    for user in 2..20 {
        for session in 0..8 {
            enter(&turns, 1, submission(user, session, on_lane(0)));
        }
    }
    let Next::Group(picked) = at(&turns, from + 400 * MS) else {
        panic!("others wait");
    };
    assert!(picked.submissions.len() == GROUP && !users(&picked.submissions).contains(&1));
}

#[test]
fn others_run_beside_a_debtors_group_on_its_lanes_and_the_debtor_does_not() {
    let turns = Turns::new();
    for user in [1, 2] {
        enter(&turns, LANES, submission(user, 10 + user, on_lane(0)));
    }
    let beside = Run {
        owes: Some(user(1)),
        ..Run::default()
    };
    assert_eq!(users(&group(&turns, &beside, true)), [2]);
    assert_eq!(users(&group(&turns, &Nothing, true)), [1]);
}

#[test]
fn the_number_of_debtors_is_bounded() {
    let turns = Turns::new();
    let whose = (0..10_000).map(|n| Whose::User(UserId(Uuid::from_u128(n))));
    let (work, is_wasted) = (MS, false);
    let bills = whose.map(|whose| Bill {
        whose,
        work,
        is_wasted,
    });
    let from = Instant::now();
    turns.charge(bills.collect(), from);
    assert_eq!(turns.lock().submissions.owners(), 4096);
    enter(&turns, 1, submission(9_999, 1, on_lane(0)));
    assert_eq!(
        (turns.waiting(), turns.ready()),
        (1, 0),
        "the newest is one of them"
    );
    enter(&turns, 1, submission(20_000, 1, on_lane(0)));
    assert!(matches!(at(&turns, from + 5_000 * MS), Next::Group(_)));
    assert_eq!(turns.lock().submissions.owners(), 0);
}

#[test]
fn a_leader_who_has_become_a_debtor_does_not_keep_the_seat() {
    let mut flows = Flows::new();
    for n in [1, 2, 3, 1, 2, 3, 1, 2, 3] {
        flows.push(user(n), n);
    }
    // who is offered a turn, if these cannot join
    let offered = |flows: &mut Flows<u128>, apart: &[u128]| -> Vec<u128> {
        let mut offered = Vec::new();
        flows.go_round(|waiting, _| {
            offered.push(waiting[0].1);
            if apart.contains(&waiting[0].1) {
                return Turn::Passed;
            }
            waiting.pop_front();
            Turn::Gave(1)
        });
        offered
    };
    assert_eq!(offered(&mut flows, &[2, 3]), [1, 2, 3]);
    let bill = Bill {
        whose: user(2),
        work: 100 * MS,
        is_wasted: false,
    };
    flows.owe(bill, Instant::now());
    assert_eq!(offered(&mut flows, &[3]), [1, 3], "user 2 would lead");
    assert_eq!(offered(&mut flows, &[]), [3, 1]);
}
