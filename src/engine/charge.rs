//! Charges users for their part of a group once its cost is known: rows that lookups brought, entries that were written,
//! sockets that get them.
//! Its users owe it, so their next operations may have to wait. What each mutation costs in any case was paid before. Steps
//! of the server cost nobody anything.

use super::Engine;
use super::answer::Verdict;
use super::shared::Shared;
use super::submission::Submission;
use super::write::Placed;
use crate::auth::limits::{Limits, units};
use std::collections::BTreeSet;
use std::ops::Range;
use taskwire_protocol::{UserId, WorkspaceId};

/// The most that one of several users pays for what a group loaded: it may be a neighbour's.
const SHARED: u32 = 16;

/// Charges the rows that a group loaded to those who may have asked for many, in equal parts: nobody knows whose they are. So
/// another account in the group makes nearly nothing free. Most mutations of tasks may have asked, so an innocent neighbour
/// pays, too, but no more than [`SHARED`]: its part of what lookups bring when several share a group (`crowds`). The server is
/// one of them if a step of its own may have asked: nobody pays its part.
pub(super) fn loaded(limits: &Limits, submissions: &[Submission], rows: u64) {
    if !limits.are_on() {
        return;
    }
    let mutations: usize = submissions.iter().map(Submission::weight).sum();
    let units = units::of_rows_loaded(rows, mutations);
    if units == 0 {
        return;
    }
    let asked = submissions
        .iter()
        .filter(|submission| submission.needs.look_far());
    let payers: BTreeSet<Option<UserId>> = asked.map(payer).collect();
    let mut part = units.div_ceil(u32::try_from(payers.len().max(1)).unwrap_or(u32::MAX));
    if payers.len() > 1 {
        part = part.min(SHARED);
    }
    for user in payers.into_iter().flatten() {
        limits.owe(&limits.user(user), part);
    }
}

/// Of each submission, which of the group's entries are its own; none if limits are off.
pub(super) fn entries(limits: &Limits, verdicts: &[Verdict]) -> Vec<Range<usize>> {
    if limits.are_on() {
        verdicts.iter().map(Verdict::entries).collect()
    } else {
        Vec::new()
    }
}

/// Charges what a group wrote, and the sockets of this instance that get it.
pub(super) fn written(
    shared: &Shared,
    submissions: &[Submission],
    entries: &[Range<usize>],
    placed: &[Placed],
) {
    for (submission, own) in submissions.iter().zip(entries) {
        let told: u32 = placed
            .get(own.clone())
            .unwrap_or_default()
            .iter()
            .map(|entry| units::of_watchers(shared.hub.watchers(entry.stream)))
            .fold(0, u32::saturating_add);
        let units = units::of_entries(own.len(), submission.weight()).saturating_add(told);
        if units > 0 {
            owe(&shared.limits, submission, units.min(units::WRITTEN));
        }
    }
}

impl Engine {
    /// Charges a signal that the sockets of a workspace get.
    pub(super) fn charge_signal(&self, workspace: WorkspaceId, user: UserId) {
        let (limits, watchers) = (&self.0.limits, self.0.hub.watchers(workspace.into()));
        let units = units::of_watchers(watchers);
        if units > 0 {
            limits.owe(&limits.user(user), units);
        }
    }
}

/// `None`: the server's own step.
fn payer(submission: &Submission) -> Option<UserId> {
    let caller = &submission.caller;
    (!submission.is_own() && caller.actor.is_user()).then_some(caller.user.id)
}

fn owe(limits: &Limits, submission: &Submission, units: u32) {
    if let Some(user) = payer(submission) {
        limits.owe(&limits.user(user), units);
    }
}

#[cfg(test)]
mod tests {
    use super::super::submission::{Step, Work};
    use super::*;
    use crate::auth::limits::Options;
    use crate::ops::world::World;
    use crate::ops::{Act, Caller, Decide, Needs, Target};
    use std::sync::Arc;
    use std::time::Duration;
    use taskwire_protocol::account::{GlobalRole, PublicUser};
    use taskwire_protocol::{Access, SessionId, TaskId};
    use uuid::Uuid;

    /// A mutation that needs what is below a task.
    struct Far;

    impl Decide for Far {
        fn name(&self) -> &'static str {
            "test"
        }
        fn access(&self) -> Access {
            Access::User
        }
        fn target(&self, _: &Caller) -> Target {
            Target::Own
        }
        fn needs(&self, _: &Caller, needs: &mut Needs) {
            needs.below.insert(TaskId(Uuid::nil()));
        }
        fn decide(&self, _: &Act<'_>, _: &mut World) -> crate::ops::Result<Arc<str>> {
            Ok("".into())
        }
        fn canonical(&self) -> String {
            String::new()
        }
    }

    fn id(of: u128) -> UserId {
        UserId(Uuid::from_u128(of))
    }

    fn submission(of: u128, step: Step) -> Submission {
        let user = PublicUser {
            id: id(of),
            username: "u".into(),
            name: "n".into(),
            photo_url: None,
        };
        let (session, personal) = (SessionId(Uuid::nil()), WorkspaceId(Uuid::nil()));
        let caller = Caller::new(user, session, GlobalRole::User, personal);
        Submission::new(Arc::new(caller), None, Work::One(step))
    }

    fn limits() -> Limits {
        let options = Options {
            requests: 100,
            request_window: Duration::from_mins(1),
            strangers_per_hour: 30,
            user_ops: (1, 100),
            address_ops: (1, 100),
        };
        Limits::new(&options, &"a secret".into())
    }

    /// How much a user may still spend.
    fn left(limits: &Limits, of: u128) -> usize {
        let payer = limits.user(id(of));
        std::iter::repeat_with(|| limits.spend(&payer, 1))
            .take_while(Result::is_ok)
            .count()
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_may_have_asked_for_rows_pay_equal_parts() {
        let far = |of| submission(of, Step::new(Box::new(Far)));
        let limits_of_one = limits();
        loaded(&limits_of_one, &[far(1)], 64 + 60 * 64);
        assert_eq!((left(&limits_of_one, 1), left(&limits_of_one, 2)), (40, 100));
        // another account beside it makes nothing free, and many mutations of one are no more payers than one
        let limits_of_two = limits();
        loaded(&limits_of_two, &[far(1), far(2), far(2)], 3 * 64 + 30 * 64);
        assert_eq!((left(&limits_of_two, 1), left(&limits_of_two, 2)), (85, 85));
        // whoever pays for a neighbour pays little
        loaded(&limits_of_two, &[far(3), far(4)], 2 * 64 + 1000 * 64);
        assert_eq!((left(&limits_of_two, 3), left(&limits_of_two, 4)), (84, 84));
        // nor does a step of the server, whose part nobody pays
        let limits_beside = limits();
        let own = submission(9, Step::own(Box::new(Far)));
        loaded(&limits_beside, &[far(1), own], 2 * 64 + 30 * 64);
        assert_eq!((left(&limits_beside, 1), left(&limits_beside, 9)), (85, 100));
    }
}
