//! What lookups must bring for a group, once memory has the rows that its mutations name. A mutation that these rows refuse
//! (the caller may not do it, the version is outdated, the task is not deleted) needs nothing more, and would be repeated
//! for ever at the cost of others. It is not answered here: an earlier mutation of the group may let it through. So each
//! mutation is looked at again when it is decided, and the group runs again with everything if one needs more than was
//! brought.

use super::authorize::authorize_loaded;
use super::submission::Submission;
use crate::ops::world::World;
use crate::ops::{Caller, Decide, Needs};
use taskwire_protocol::{Failure, OpId, UserId, WorkspaceId};

/// What a group needs if some of its mutations are refused, or were done before; `None` if it needs all. `were_done`: what a
/// user's op_id did is remembered.
pub(super) fn narrowed(
    submissions: &[Submission],
    needs: &Needs,
    world: &World,
    were_done: impl Fn(&(UserId, OpId)) -> bool,
) -> Option<Needs> {
    let mut far = Needs::default();
    for submission in submissions
        .iter()
        .filter(|submission| submission.needs.look_far())
    {
        let user = submission.caller.user.id;
        let is_new = |op_id: Option<OpId>| op_id.is_none_or(|op_id| !were_done(&(user, op_id)));
        if !is_new(submission.op_id) {
            continue;
        }
        for (decide, _) in submission.work.steps().filter(|(_, op_id)| is_new(*op_id)) {
            if let Ok(needs) = of_step(decide, &submission.caller, world) {
                far.merge_far(&needs);
            }
        }
    }
    if far.has_far(needs) {
        return None;
    }
    let mut wanted = needs.clone();
    wanted.stay_near();
    wanted.merge_far(&far);
    Some(wanted)
}

/// Whether a mutation of a submission needs something and is not refused so far.
pub(super) fn need(submission: &Submission, world: &World, need_it: impl Fn(&Needs) -> bool) -> bool {
    submission.work.steps().any(|(decide, _)| {
        let needs = of_step(decide, &submission.caller, world);
        needs.is_ok_and(|needs| need_it(&needs))
    })
}

/// What a mutation needs, as far as memory tells.
///
/// # Errors
/// The mutation is refused.
pub(super) fn of_step(decide: &dyn Decide, caller: &Caller, world: &World) -> Result<Needs, Failure> {
    let mut needs = Needs::default();
    decide.needs(caller, &mut needs);
    if needs.look_far() {
        let is_member = |home: &WorkspaceId| world.role(*home, caller.user.id).is_some();
        let place = authorize_loaded(decide, caller, world, |task| world.expected(task).find(is_member))?;
        decide.narrow(place, world, &mut needs)?;
    }
    Ok(needs)
}
