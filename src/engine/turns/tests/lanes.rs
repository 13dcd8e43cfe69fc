//! Several writers: which submissions run beside others.

use super::*;
use futures_util::FutureExt;
use taskwire_protocol::TaskId;

/// A queue of several writers, in which each session has a submission on its lane, all of the same user.
fn spread(of: &[(u128, Target)]) -> Arc<Turns> {
    let turns = Turns::new();
    for (session, target) in of {
        enter(&turns, LANES, submission(1, *session, *target));
    }
    turns
}

/// The sessions of the next group beside those that run.
fn beside(turns: &Turns, run: &Run, spread: bool) -> Vec<u128> {
    group(turns, run, spread).iter().map(session_of).collect()
}

#[test]
fn a_short_queue_is_one_group_whatever_its_lanes() {
    let of: Vec<_> = (0..8).map(|n| (n, on_lane(n % 4))).collect();
    assert_eq!(
        beside(&spread(&of), &Run::default(), false),
        (0..8).collect::<Vec<_>>()
    );
}

#[test]
fn a_long_queue_is_spread_over_lanes_in_order() {
    let of: Vec<_> = (0..8).map(|n| (n, on_lane(n % 2))).collect();
    let turns = spread(&of);
    assert_eq!(beside(&turns, &Run::default(), true), [0, 2, 4, 6]);
    // the first lane is busy, so its submission waits
    enter(&turns, LANES, submission(1, 8, on_lane(0)));
    assert_eq!(beside(&turns, &Run::with(1, &[0, 2, 4, 6]), true), [1, 3, 5, 7]);
    assert_eq!(turns.waiting(), 1);
}

#[test]
fn a_session_keeps_its_order_across_lanes() {
    // session 1 is on lane 0, then on lane 1: its second submission waits for the first, and so do the later ones of the
    // user on these lanes
    let lanes = [(1, 0), (1, 1), (1, 0), (2, 1), (3, 0)];
    let turns = spread(&lanes.map(|(session, lane)| (session, on_lane(lane))));
    assert_eq!(beside(&turns, &Run::default(), true), [1]);
    assert!(beside(&turns, &Run::with(1, &[1]), true).is_empty());
    assert_eq!(turns.waiting(), 4);
}

#[test]
fn another_user_does_not_wait_for_the_lanes_of_a_flood() {
    let turns = Turns::new();
    for session in 0..600 {
        enter(&turns, LANES, submission(1, session, on_lane(0)));
    }
    enter(&turns, LANES, submission(2, 1000, on_lane(1)));
    assert_eq!(beside(&turns, &Run::with(1, &[]), true), [1000]);
}

#[test]
fn lanes_are_kept_for_who_could_not_use_them() {
    let turns = Turns::new();
    let both = || vec![on(on_lane(0)), on(on_lane(1))];
    enter(&turns, LANES, Submission::batch_of_user(1, 1, both()));
    enter(&turns, LANES, submission(2, 2, on_lane(1)));
    // lane 0 is busy, and the batch waits; lane 1 is free, but its turn came first
    assert!(beside(&turns, &Run::with(1, &[]), true).is_empty());
    assert_eq!(beside(&turns, &Run::default(), true), [1, 2]);
}

#[test]
fn a_submission_on_an_unknown_stream_joins_any_group_but_stays_behind_its_session() {
    let task = Target::Task(TaskId(Uuid::from_u128(7)));
    let turns = spread(&[(1, on_lane(0)), (2, task), (3, on_lane(1)), (3, task)]);
    assert_eq!(beside(&turns, &Run::default(), true), [1, 2]);
    assert_eq!(turns.waiting(), 2);
}

#[test]
fn those_behind_many_who_have_nothing_to_give_come_too() {
    let turns = Turns::new();
    for user in 0..2_000 {
        enter(&turns, LANES, submission(user, user, on_lane(0)));
    }
    enter(&turns, LANES, submission(5_000, 5_000, on_lane(1)));
    let lane_0 = Run::with(1, &[]);
    let groups = (0..5).map(|_| beside(&turns, &lane_0, true));
    assert_eq!(groups.flatten().collect::<Vec<_>>(), [5_000]);
}

#[test]
fn who_comes_wakes_a_writer_as_long_as_not_all_lines_were_looked_at() {
    let turns = Turns::new();
    for user in 0..2_000 {
        enter(&turns, LANES, submission(user, user, on_lane(0)));
    }
    let is_woken = || turns.arrival(None).now_or_never().is_some();
    assert!(is_woken() && beside(&turns, &Run::with(1, &[]), true).is_empty());
    enter(&turns, LANES, submission(1, 9_000, on_lane(0)));
    assert!(is_woken());
}

#[test]
fn what_only_waits_for_busy_lanes_wakes_nobody_until_they_are_free() {
    let turns = spread(&[(1, on_lane(0))]);
    let is_woken = || turns.arrival(None).now_or_never().is_some();
    assert!(is_woken());
    let lane_0 = Run::with(1, &[]);
    assert!(beside(&turns, &lane_0, true).is_empty());
    enter(&turns, LANES, submission(2, 2, on_lane(0)));
    assert!(!is_woken());
    enter(&turns, LANES, submission(3, 3, on_lane(1)));
    assert!(is_woken());
    assert_eq!(beside(&turns, &lane_0, true), [3]);
    assert!(beside(&turns, &lane_0, true).is_empty());
    turns.freed();
    enter(&turns, LANES, submission(4, 4, on_lane(0)));
    assert!(is_woken());
}
