//! The end of a workspace. One transaction takes it away from everybody: it has no members any more. A few members are told
//! in that transaction, others by a job (`EraseWorkspace`), which then erases what the workspace had.

use super::super::caller::targets_a_workspace;
use super::super::joining::workspace;
use super::super::step::{Step, decided_as_steps};
use super::super::world::World;
use super::super::{Act, Caller, Change, DONE, Mutation, Needs, Result, conflict, json};
use crate::store::departures::Departure;
use crate::store::jobs::{EraseWorkspace, NewJob};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::Done;
use taskwire_protocol::workspace::{
    AccessLost, AccessLostReason, DeleteWorkspace, Workspace, WorkspaceDeleted, WorkspaceKind,
};
use taskwire_protocol::{UserId, WorkspaceId, events};

/// The most members that the deletion itself tells. Each takes the lock of a user's stream.
const AT_ONCE: usize = 32;

targets_a_workspace!(DeleteWorkspace);
decided_as_steps!(TellOfDeletion);

impl Mutation for DeleteWorkspace {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.workspaces.insert(self.workspace_id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let before = workspace(act, world)?;
        if before.kind == WorkspaceKind::Personal {
            return Err(conflict("your personal workspace cannot be deleted"));
        }
        let (id, version) = (before.id, before.version + 1);
        let logged = world.emit::<events::WorkspaceDeleted>(act, id, &WorkspaceDeleted { id, version })?;
        world.workspaces.put(Workspace {
            version,
            updated_at: act.now,
            ..before
        });
        let members = world.dissolve(id);
        let is_wide = members.len() > AT_ONCE;
        for user in members {
            // who deletes it knows at once, however many they are
            if is_wide && user != act.caller.user.id {
                world.departures.put(Departure { user, workspace: id });
            } else {
                tell(act, world, user, id)?;
            }
        }
        let actor = Some(act.caller.actor.actor().clone());
        let job = EraseWorkspace { workspace: id, actor };
        world.enqueue(NewJob::new(id.to_string(), &job, Duration::ZERO)?);
        Ok(Change::logged(logged, DONE))
    }
}

/// Tells the caller that a workspace of theirs was deleted, unless they know.
pub struct TellOfDeletion(pub WorkspaceId);

impl Step for TellOfDeletion {
    const NAME: &'static str = "workspace.tell_of_deletion";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.departures.insert((caller.user.id, self.0));
        needs.accounts.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let (workspace, user) = (self.0, act.caller.user.id);
        let is_untold = world.departures.remove((user, workspace)).is_some();
        // a deleted account is not loaded, and its log gets nothing more
        if is_untold && world.accounts.get(user).is_some() {
            tell(act, world, user, workspace)?;
        }
        Ok(json(&DONE)?.into())
    }
}

fn tell(act: &Act<'_>, world: &mut World, user: UserId, workspace_id: WorkspaceId) -> Result<()> {
    let reason = AccessLostReason::Deleted;
    let lost = AccessLost { workspace_id, reason };
    world.emit::<events::AccessLost>(act, user, &lost).map(drop)
}
