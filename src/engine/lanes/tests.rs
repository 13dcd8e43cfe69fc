//! Which submissions share a group, and which wait.

use super::*;
use crate::ops::{Act, Caller, Decide, Needs, Target};
use taskwire_protocol::{Access, WorkspaceId};
use uuid::Uuid;

/// A mutation with the given target. `true`: it must be alone in its group.
struct On(Target, bool);

impl Decide for On {
    fn name(&self) -> &'static str {
        "test"
    }
    fn access(&self) -> Access {
        Access::User
    }
    fn target(&self, _: &Caller) -> Target {
        self.0
    }
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.alone = self.1;
    }
    fn decide(
        &self,
        _: &Act<'_>,
        _: &mut crate::ops::world::World,
    ) -> crate::ops::Result<std::sync::Arc<str>> {
        Ok("".into())
    }
    fn canonical(&self) -> String {
        String::new()
    }
}

const LANES: usize = 4;

/// A workspace on this lane.
fn on_lane(lane: u128) -> Target {
    Target::Workspace(WorkspaceId(Uuid::from_u128(0x10_0000 + lane)))
}

fn submission(session: u128, target: Target, alone: bool) -> Waiting {
    let submission = Submission::of_session(session, Box::new(On(target, alone)));
    let lanes = lanes_of(&submission, &Homes::new(true), LANES);
    let item = Item::Submission(Box::new(submission));
    Waiting { item, lanes }
}

/// The sessions of the submissions in the next group, and of the submissions that stay behind.
fn next(waiting: &mut VecDeque<Waiting>, running: &[RunningGroup], spread: bool) -> (Vec<u128>, Vec<u128>) {
    let session = |submission: &Submission| submission.caller.session.0.as_u128();
    let picked = pick(waiting, running.iter(), spread);
    let staying = waiting.iter().filter_map(|waiting| match &waiting.item {
        Item::Submission(submission) => Some(session(submission)),
        _ => None,
    });
    (
        picked.submissions.iter().map(session).collect(),
        staying.collect(),
    )
}

fn running(lanes: Set, sessions: &[u128]) -> RunningGroup {
    let sessions = sessions.iter().map(|id| SessionId(Uuid::from_u128(*id)));
    RunningGroup {
        lanes,
        sessions: sessions.collect(),
    }
}

#[test]
fn a_short_queue_is_one_group_whatever_its_lanes() {
    let mut waiting: VecDeque<_> = (0..8).map(|n| submission(n, on_lane(n % 4), false)).collect();
    assert_eq!(next(&mut waiting, &[], false), ((0..8).collect(), vec![]));
}

#[test]
fn a_long_queue_is_spread_over_lanes_in_order() {
    let mut waiting: VecDeque<_> = (0..8).map(|n| submission(n, on_lane(n % 2), false)).collect();
    assert_eq!(
        next(&mut waiting, &[], true),
        (vec![0, 2, 4, 6], vec![1, 3, 5, 7])
    );
    // the first lane is busy, so its submission waits
    waiting.push_back(submission(8, on_lane(0), false));
    let taken = running(1, &[0, 2, 4, 6]);
    assert_eq!(next(&mut waiting, &[taken], true), (vec![1, 3, 5, 7], vec![8]));
}

#[test]
fn a_session_keeps_its_order_across_lanes() {
    // session 1 is on lane 0, then on lane 1: its second submission waits for the first, and so do its later
    // submissions
    let mut waiting: VecDeque<_> = [
        submission(1, on_lane(0), false),
        submission(1, on_lane(1), false),
        submission(1, on_lane(0), false),
        submission(2, on_lane(1), false),
        submission(3, on_lane(0), false),
    ]
    .into();
    let (group, staying) = next(&mut waiting, &[], true);
    // session 2 would overtake session 1 on lane 1, and session 3 would overtake it on lane 0
    assert_eq!((group, staying), (vec![1], vec![1, 1, 2, 3]));
    let running = running(1, &[1]);
    let (group, staying) = next(&mut waiting, &[running], true);
    assert_eq!((group, staying), (vec![], vec![1, 1, 2, 3]));
}

#[test]
fn a_job_alone_and_one_of_another_kind_get_groups_of_their_own() {
    let mut waiting: VecDeque<_> = [
        submission(1, on_lane(0), false),
        submission(2, Target::Own, false),
        submission(3, on_lane(1), true),
        submission(4, on_lane(2), false),
    ]
    .into();
    let (group, staying) = next(&mut waiting, &[], false);
    assert_eq!((group, staying), (vec![1, 4], vec![2, 3]));
    assert_eq!(next(&mut waiting, &[], false), (vec![2], vec![3]));
    assert_eq!(next(&mut waiting, &[], false), (vec![3], vec![]));
}

#[test]
fn a_job_on_an_unknown_stream_joins_any_group_but_stays_behind_its_session() {
    let task = Target::Task(taskwire_protocol::TaskId(Uuid::from_u128(7)));
    let mut waiting: VecDeque<_> = [
        submission(1, on_lane(0), false),
        submission(2, task, false),
        submission(3, on_lane(1), false),
        submission(3, task, false),
    ]
    .into();
    assert_eq!(next(&mut waiting, &[], true), (vec![1, 2], vec![3, 3]));
}

#[test]
fn a_group_is_bounded_however_many_jobs_wait() {
    let mut waiting: VecDeque<_> = (0..200).map(|n| submission(n, on_lane(0), false)).collect();
    let (group, staying) = next(&mut waiting, &[], true);
    assert_eq!((group.len(), staying.len()), (GROUP, 200 - GROUP));
    assert_eq!(staying[0], GROUP as u128);
}
