//! How somebody becomes a member of a workspace: added by an admin, or by accepting an invitation. And the workspace that a
//! mutation is about.

use super::world::{Logged, World};
use super::{Act, Result, not_found};
use crate::store::jobs::{LookAgain, NewJob};
use std::time::Duration;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::member::{Member, MemberJoined, Role};
use taskwire_protocol::workspace::{AccessGranted, Workspace};
use taskwire_protocol::{InviteId, events};

/// The workspace of the target.
pub(super) fn workspace(act: &Act<'_>, world: &World) -> Result<Workspace> {
    world
        .workspaces
        .get(act.workspace()?)
        .cloned()
        .ok_or_else(|| not_found("workspace"))
}

/// The caller's role in the workspace of the target.
pub(super) fn role_of_caller(act: &Act<'_>) -> Role {
    act.place.map_or(Role::Viewer, |(_, role)| role)
}

/// Somebody becomes a member, as far as the plans allow it.
pub(super) fn join(
    act: &Act<'_>,
    world: &mut World,
    workspace: &Workspace,
    user: PublicUser,
    role: Role,
    invite_id: Option<InviteId>,
) -> Result<(Logged<MemberJoined>, Member)> {
    let id = user.id;
    if let Some(members) = world.members(workspace.id) {
        let owners = members.iter().filter(|member| member.role == Role::Owner);
        let plans = owners.filter_map(|owner| Some(world.accounts.get(owner.user.id)?.user.plan));
        act.bounds.one_more_member(members.len(), plans)?;
    }
    act.bounds.joins(world.belongings(id))?;
    let member = Member {
        user,
        role,
        joined_at: act.now,
        version: 1,
    };
    let joined = MemberJoined {
        member: member.clone(),
        invite_id,
    };
    let logged = world.emit::<events::MemberAdded>(act, workspace.id, &joined)?;
    world.put_member(workspace.id, member.clone());
    let granted = AccessGranted {
        workspace: Workspace {
            role: Some(role),
            ..workspace.clone()
        },
        role,
        seq: world.counters(workspace.id.into()).seq as u64,
    };
    world.emit::<events::AccessGranted>(act, id, &granted)?;
    // tasks of theirs may have stayed here since an earlier membership; without one their times were passed over
    let look = LookAgain { user: id };
    world.enqueue(NewJob::new(id.to_string(), &look, Duration::ZERO)?);
    Ok((logged, member))
}
