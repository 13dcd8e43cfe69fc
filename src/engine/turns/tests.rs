//! Whose turn it is: with one writer and with several, beside a user who floods the queue, and at the end.

mod debtors;
mod lanes;

use super::super::homes::Homes;
use super::super::lanes::lanes_of;
use super::super::submission::{Step, Work};
use super::*;
use crate::ops::{Act, Caller, Decide, Needs, Target};
use foldhash::HashSet;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{Access, SessionId, UserId, WorkspaceId};
use uuid::Uuid;

/// A mutation with the given target. `alone`: it must be alone in its group.
#[derive(Clone)]
struct On {
    target: Target,
    alone: bool,
}

impl Decide for On {
    fn name(&self) -> &'static str {
        "test"
    }
    fn access(&self) -> Access {
        Access::User
    }
    fn target(&self, _: &Caller) -> Target {
        self.target
    }
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.alone = self.alone;
    }
    fn decide(&self, _: &Act<'_>, _: &mut crate::ops::world::World) -> crate::ops::Result<Arc<str>> {
        Ok("".into())
    }
    fn canonical(&self) -> String {
        String::new()
    }
}

const LANES: usize = 4;
const PATIENCE: Duration = Duration::from_secs(20);

/// A workspace on this lane.
fn on_lane(lane: u128) -> Target {
    Target::Workspace(WorkspaceId(Uuid::from_u128(0x10_0000 + lane)))
}

fn on(target: Target) -> Box<dyn Decide> {
    let alone = false;
    Box::new(On { target, alone })
}

fn alone() -> Box<dyn Decide> {
    let (target, alone) = (on_lane(0), true);
    Box::new(On { target, alone })
}

fn submission(user: u128, session: u128, target: Target) -> Submission {
    Submission::of_user(user, session, on(target))
}

/// Enters a submission whose caller stays.
fn enter(turns: &Turns, lanes: usize, submission: Submission) {
    let lanes = lanes_of(&submission, &Homes::new(true), lanes);
    let place = turns.submit(Box::new(submission), lanes);
    place.expect("an open queue").done();
}

fn user(n: u128) -> Whose {
    Whose::User(UserId(Uuid::from_u128(n)))
}

/// The server, in a session of its own.
fn of_server(session: u128) -> Caller {
    let caller = submission(1, session, Target::Own).caller;
    Caller::clone(&caller).as_actor(Actor::Server)
}

fn user_of(submission: &Submission) -> u128 {
    submission.caller.user.id.0.as_u128()
}

fn session_of(submission: &Submission) -> u128 {
    submission.caller.session.0.as_u128()
}

/// The submissions of the next group beside those that run; none if there is no group.
fn group(turns: &Turns, busy: &impl Busy, spread: bool) -> Vec<Submission> {
    match turns.group(busy, spread, Instant::now()) {
        Next::Group(picked) => picked.submissions,
        Next::Held | Next::Nothing => Vec::new(),
    }
}

/// The next group of a single writer.
fn next(turns: &Turns) -> Vec<Submission> {
    group(turns, &Nothing, false)
}

fn users(group: &[Submission]) -> Vec<u128> {
    group.iter().map(user_of).collect()
}

/// A queue of a single writer in which user 1 has `n` submissions, each of a session of its own.
fn flooded(n: u128) -> Arc<Turns> {
    let turns = Turns::new();
    for session in 0..n {
        enter(&turns, 1, submission(1, session, on_lane(0)));
    }
    turns
}

/// Groups that run.
#[derive(Default)]
struct Run {
    lanes: Set,
    sessions: HashSet<SessionId>,
    /// The debtor whose group runs.
    owes: Option<Whose>,
}

impl Run {
    fn with(lanes: Set, sessions: &[u128]) -> Run {
        let sessions = sessions.iter().map(|id| SessionId(Uuid::from_u128(*id)));
        let sessions = sessions.collect();
        let owes = None;
        Run {
            lanes,
            sessions,
            owes,
        }
    }
}

impl Busy for Run {
    fn lanes(&self) -> Set {
        self.lanes
    }
    fn has(&self, submission: &Submission) -> bool {
        self.sessions.contains(&submission.caller.session) || self.owes == Some(submission.whose)
    }
    fn owes(&self) -> bool {
        self.owes.is_some()
    }
}

#[test]
fn a_thousand_waiting_mutations_delay_another_user_by_one_group() {
    let turns = flooded(1000);
    assert_eq!(next(&turns).len(), GROUP, "a lone user fills a group");
    for user in 2..14 {
        enter(&turns, 1, submission(user, 0, on_lane(0)));
        let group = users(&next(&turns));
        assert_eq!(
            (group.len(), group[0]),
            (GROUP, user),
            "the room is used, after others had their turn"
        );
    }
}

#[test]
fn many_who_wait_have_equal_parts_of_a_group() {
    let turns = Turns::new();
    for n in 0..1600 {
        enter(&turns, 1, submission(n % 16, n, on_lane(0)));
    }
    for _ in 0..20 {
        let mut parts = BTreeMap::new();
        for user in users(&next(&turns)) {
            *parts.entry(user).or_insert(0) += 1;
        }
        assert_eq!(parts.into_values().collect::<Vec<_>>(), [GROUP / 16; 16]);
    }
}

#[test]
fn a_user_of_large_batches_pays_for_each_mutation() {
    let turns = Turns::new();
    for session in 0..100 {
        let decides = (0..60).map(|_| on(on_lane(0))).collect();
        enter(&turns, 1, Submission::batch_of_user(1, session, decides));
        enter(&turns, 1, submission(2, session, on_lane(0)));
        enter(&turns, 1, submission(3, session, on_lane(0)));
    }
    let (mut mutations, mut groups) = (0, 0);
    while mutations < 200 {
        let group = next(&turns);
        mutations += group.iter().filter(|submission| user_of(submission) != 1).count();
        groups += 1;
    }
    assert!(
        groups <= 12,
        "{groups} groups for 200 small mutations beside large ones"
    );
    let left = std::iter::from_fn(|| Some(next(&turns)).filter(|group| !group.is_empty()));
    assert!(left.flatten().all(|submission| user_of(&submission) == 1));
}

#[test]
fn the_order_of_sessions_and_users_is_kept() {
    let turns = Turns::new();
    for n in 0..600 {
        let (user, session) = (n % 3, n % 12);
        let mut submission = submission(user, session, on_lane(n % 5));
        submission.request_id = Some((n + 1).to_string().into());
        enter(&turns, 1, submission);
    }
    let (mut newest, mut seen) = (BTreeMap::new(), 0);
    while seen < 600 {
        for submission in next(&turns) {
            let n = submission
                .request_id
                .as_deref()
                .and_then(|n| n.parse::<u128>().ok());
            let before = newest.insert(user_of(&submission), n);
            assert!(
                before.flatten() < n,
                "{n:?} comes after {before:?} of the same user"
            );
            seen += 1;
        }
    }
}

#[test]
fn what_must_be_alone_or_is_of_another_kind_begins_the_next_group() {
    let turns = flooded(2000);
    for session in 0..3 {
        enter(&turns, 1, Submission::of_user(2, session, alone()));
        enter(&turns, 1, submission(3, session, Target::Own));
    }
    let mut led = Vec::new();
    for _ in 0..8 {
        enter(&turns, 1, submission(9, 9, on_lane(0)));
        let (first, second) = (next(&turns), next(&turns));
        assert!(
            first
                .iter()
                .chain(&second)
                .any(|submission| user_of(submission) == 9),
            "who sends little waits for one group at most"
        );
        led.extend([users(&first)[0], users(&second)[0]]);
    }
    let groups_of = |user| led.iter().filter(|led| **led == user).count();
    assert_eq!((groups_of(2), groups_of(3)), (3, 1), "{led:?}");
}

#[test]
fn who_signs_in_does_not_wait_behind_the_mutations_of_the_same_account() {
    let turns = flooded(1000);
    enter(&turns, 1, Submission::step_of_user(1, 5_000, on(Target::Own)));
    let groups: Vec<_> = (0..2)
        .flat_map(|_| next(&turns))
        .map(|one| session_of(&one))
        .collect();
    assert!(groups.contains(&5_000), "within two groups: {groups:?}");
    // what the session sent before comes first
    enter(&turns, 1, submission(1, 6_000, on_lane(0)));
    enter(&turns, 1, Submission::step_of_user(1, 6_000, on(Target::Own)));
    let left = std::iter::from_fn(|| Some(next(&turns)).filter(|group| !group.is_empty()));
    let of_session = left.flatten().filter(|one| session_of(one) == 6_000);
    let own: Vec<bool> = of_session.map(|one| one.is_own()).collect();
    assert_eq!(own, [false, true]);
}

#[test]
fn the_work_of_the_server_has_a_larger_part_than_a_user() {
    let turns = Turns::new();
    for n in 0..100 {
        let step = Submission::new(Arc::new(of_server(n)), None, Work::One(Step::own(on(on_lane(0)))));
        enter(&turns, 1, step);
    }
    for n in 0..32_000 {
        enter(&turns, 1, submission(1 + n % 320, 1_000 + n, on_lane(0)));
    }
    // a round is 320 turns of 4, and one of 16
    let round = (0..21).flat_map(|_| next(&turns));
    let own = round.filter(|one| one.whose == Whose::Server).count();
    assert!((16..=32).contains(&own), "{own}");
}

#[test]
fn what_a_group_left_undone_is_first_in_its_line_and_others_go_before_the_next_large_one() {
    let turns = flooded(4);
    let mut left = next(&turns);
    assert_eq!(left.len(), 4);
    for session in 4..8 {
        enter(&turns, 1, submission(1, session, on_lane(0)));
    }
    enter(&turns, 1, submission(2, 9, on_lane(0)));
    left.iter_mut().take(2).for_each(|large| large.is_large = true);
    turns.put_back(left, |_| EVERY);
    assert_eq!(turns.waiting(), 9);
    let groups: Vec<Vec<u128>> = (0..4)
        .map(|_| next(&turns).iter().map(session_of).collect())
        .collect();
    assert_eq!(groups, [vec![0], vec![9], vec![1], vec![2, 3, 4, 5, 6, 7]]);
}

#[test]
fn what_became_large_beside_others_counts_for_a_turn_and_not_for_a_group() {
    let turns = flooded(3);
    let mut left = next(&turns);
    left[0].is_large = true;
    turns.put_back(left, |_| EVERY);
    for n in 0..1600 {
        enter(&turns, 1, submission(2 + n % 16, 100 + n, on_lane(0)));
    }
    let groups: Vec<Vec<u128>> = (0..6).map(|_| users(&next(&turns))).collect();
    let places = groups.iter().enumerate().filter(|(_, group)| group.contains(&1));
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    assert!(
        matches!(places[..], [alone, others] if groups[alone] == [1] && others <= alone + 3),
        "{groups:?}"
    );
}

#[test]
fn who_gives_up_learns_whether_anything_was_begun() {
    let turns = Turns::new();
    let place = || {
        let submission = Box::new(submission(1, 1, on_lane(0)));
        turns.submit(submission, EVERY).expect("an open queue")
    };
    let (first, second) = (place(), place());
    assert!(second.give_up() && turns.waiting() == 1);
    let group = next(&turns);
    assert!(group.len() == 1 && !first.give_up());
    // it may have been carried out in part
    let third = place();
    turns.put_back(next(&turns), |_| EVERY);
    assert!(!third.give_up() && turns.waiting() == 1);
}

#[test]
fn chores_take_turns_too() {
    let turns = Turns::new();
    let dropped = Arc::new(Mutex::new(Vec::new()));
    let send = |whose| {
        let mark = Mark(whose, dropped.clone());
        let errand: Errand = Box::new(move |_| {
            let _mark = &mark;
            Box::pin(async {})
        });
        turns.send(whose, errand).expect("an open queue").done();
    };
    let next = || {
        drop(turns.chore());
        dropped.lock().expect("the list").pop()
    };
    for _ in 0..100 {
        send(user(1));
    }
    assert_eq!(next(), Some(user(1)));
    send(user(2));
    send(Whose::Server);
    assert_eq!(
        [next(), next(), next()],
        [Some(user(2)), Some(Whose::Server), Some(user(1))]
    );
}

/// Tells whose chore was taken and dropped.
struct Mark(Whose, Arc<Mutex<Vec<Whose>>>);

impl Drop for Mark {
    fn drop(&mut self) {
        self.1.lock().expect("the list").push(self.0);
    }
}

#[test]
fn who_leaves_takes_along_what_is_behind_the_first_of_the_line() {
    let turns = Turns::new();
    let caller = |session| {
        let submission = Box::new(submission(1, session, on_lane(0)));
        turns.submit(submission, 1).expect("an open queue")
    };
    let places: Vec<_> = (0..200).map(caller).collect();
    enter(&turns, 1, submission(2, 0, on_lane(0)));
    drop(places);
    assert_eq!(turns.waiting(), GROUP + 1);
    let mut came: Vec<u128> = next(&turns).iter().chain(&next(&turns)).map(session_of).collect();
    came.sort_unstable();
    let mut expected: Vec<u128> = (0..GROUP as u128).chain([0]).collect();
    expected.sort_unstable();
    assert_eq!(came, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_arrival_is_missed_and_all_is_done_before_the_end() {
    const THREADS: u128 = 4;
    const EACH: u128 = 2000;
    let turns = Turns::new();
    let ended = Arc::new(AtomicBool::new(false));
    let (queue, flag) = (turns.clone(), ended.clone());
    let writer = tokio::spawn(async move {
        let queue = Draining(queue);
        let mut seen = 0;
        loop {
            let group = next(&queue);
            seen += group.len() as u128;
            for submission in group {
                submission.answer(Ok(crate::engine::Reply::pong()));
            }
            if queue.waiting() > 0 {
                continue;
            }
            if queue.is_drained() {
                flag.store(true, Ordering::SeqCst);
                return seen;
            }
            queue.arrival(None).await;
        }
    });
    let callers = (0..THREADS).map(|user| {
        let turns = turns.clone();
        tokio::spawn(async move {
            for session in 0..EACH {
                let mut submission = Box::new(submission(user, session, on_lane(0)));
                let asked = submission.ask();
                let place = turns.submit(submission, 1).expect("an open queue");
                let answer = tokio::time::timeout(PATIENCE, asked).await;
                answer.expect("a wake-up").expect("an answer").expect("a pong");
                place.done();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("answers");
    }
    enter(&turns, 1, submission(1, 1, on_lane(0)));
    turns.stop().await;
    assert!(ended.load(Ordering::SeqCst));
    assert_eq!(writer.await.expect("an end"), THREADS * EACH + 1);
    let late = turns.submit(Box::new(submission(1, 1, on_lane(0))), 1);
    assert!(late.is_err() && turns.is_closed());
}

#[tokio::test]
async fn who_waits_when_the_writers_are_gone_is_sent_away() {
    let turns = flooded(10);
    let mut left = Box::new(submission(2, 1, on_lane(0)));
    let asked = left.ask();
    let _place = turns.submit(left, 1).expect("an open queue");
    drop(Draining(turns.clone()));
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    assert!(answer.expect("an end").is_err() && turns.waiting() == 0);
}
