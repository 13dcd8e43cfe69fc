//! `invite.revoke`: an admin takes an invitation back. The engine finds its workspace before, as for `invite.accept`.

use super::super::world::World;
use super::super::{Act, Caller, DONE, Decide, InviteName, Needs, Result, Target, json, not_found};
use super::end;
use std::sync::Arc;
use taskwire_protocol::invite::RevokeInvite;
use taskwire_protocol::{Access, InviteId, Operation, WorkspaceId};

/// Takes an invitation back.
pub struct Revoke {
    asked: RevokeInvite,
    /// The invitation's workspace.
    workspace: Option<WorkspaceId>,
}

impl Revoke {
    /// What was asked, before the workspace is known.
    pub fn of(asked: RevokeInvite) -> Revoke {
        Revoke {
            asked,
            workspace: None,
        }
    }
}

impl Decide for Revoke {
    fn name(&self) -> &'static str {
        RevokeInvite::NAME
    }

    fn access(&self) -> Access {
        RevokeInvite::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        self.workspace.map_or(Target::Own, Target::Workspace)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.invites.insert(self.asked.id);
    }

    fn invitation(&self) -> Option<InviteName<'_>> {
        Some(InviteName::Id(self.asked.id))
    }

    fn found(&mut self, _: InviteId, workspace: WorkspaceId) {
        self.workspace = Some(workspace);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let found = world.invites.get(self.asked.id).cloned();
        let invite = found.filter(|invite| Some(invite.workspace) == self.workspace);
        let invite = invite.ok_or_else(|| not_found("invitation").at("id"))?;
        end(act, world, &invite)?;
        Ok(json(&DONE)?.into())
    }

    fn canonical(&self) -> String {
        json(&self.asked).unwrap_or_default()
    }
}
