//! `invite.accept`: the caller becomes a member. The engine finds the invitation's workspace before the mutation takes its
//! place in the lane, because the workspace's stream is locked first.

use super::super::joining::join;
use super::super::notices::{Notice, tell};
use super::super::world::World;
use super::super::{Act, Caller, Decide, InviteName, Needs, Result, Target, json};
use super::{end, end_shown_to, void};
use crate::store::invites::InviteRecord;
use std::sync::Arc;
use taskwire_protocol::invite::AcceptInvite;
use taskwire_protocol::member::Role;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{Access, Failure, InviteId, Operation, UserId, WorkspaceId};

/// Accepts an invitation.
pub struct Accept {
    asked: AcceptInvite,
    /// The invitation and its workspace.
    found: Option<(InviteId, WorkspaceId)>,
}

impl Accept {
    /// Checks the parameters.
    pub fn check(asked: AcceptInvite) -> Result<Accept> {
        match (&asked.token, &asked.id) {
            (Some(_), None) | (None, Some(_)) => Ok(Accept { asked, found: None }),
            _ => Err(Failure::invalid("token", "give exactly one of token and id")),
        }
    }

    fn field(&self) -> &'static str {
        if self.asked.id.is_some() { "id" } else { "token" }
    }

    /// The invitation, if it is good now and the caller may accept it.
    fn good(&self, act: &Act<'_>, world: &World) -> Option<InviteRecord> {
        let (id, workspace) = self.found?;
        let invite = world.invites.get(id)?;
        let lives = invite.workspace == workspace && invite.expires_at > act.now;
        let account = world.accounts.get(act.caller.user.id)?;
        let is_named = || account.user.is_verified && invite.names(&account.user.email);
        // whoever has the token may use it: only the reader of the mail has that of a mail
        (lives && (self.asked.token.is_some() || is_named())).then(|| invite.clone())
    }
}

impl Decide for Accept {
    fn name(&self) -> &'static str {
        AcceptInvite::NAME
    }

    fn access(&self) -> Access {
        AcceptInvite::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        self.found
            .map_or(Target::Own, |(_, workspace)| Target::Outside(workspace))
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        if let Some((_, workspace)) = self.found {
            needs.workspaces.insert(workspace);
            needs.owners.insert(workspace);
            super::need(workspace, needs);
            needs.accounts.insert(caller.user.id);
            needs.taking.insert(caller.user.id);
        }
    }

    fn invitation(&self) -> Option<InviteName<'_>> {
        let token = self.asked.token.as_ref();
        let by_token = token.map(|token| InviteName::Token(token.expose()));
        by_token.or(self.asked.id.map(InviteName::Id))
    }

    fn found(&mut self, id: InviteId, workspace: WorkspaceId) {
        self.found = Some((id, workspace));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let void = || void(self.field());
        let (_, id) = self.found.ok_or_else(void)?;
        let user = act.caller.user.id;
        let workspace = world.workspaces.get(id).cloned().ok_or_else(void)?;
        if let Some(role) = world.role(id, user) {
            // a member already: an invitation neither changes the role nor is used up
            return Ok(json(&seen(workspace, role))?.into());
        }
        let has_members = world.members(id).is_some_and(|members| !members.is_empty());
        let invite = self.good(act, world).filter(|_| has_members).ok_or_else(void)?;
        // the profile as it is now: the caller's may be from before a change in this group
        let account = world.accounts.get(user).map(|account| account.user.public());
        let member = account.ok_or_else(void)?;
        join(act, world, &workspace, member, invite.role, Some(invite.id))?;
        tell_both(act, world, &workspace, &invite)?;
        use_once(act, world, invite)?;
        end_shown_to(act, world, id, user)?;
        let role = world.role(id, user).unwrap_or(Role::Viewer);
        Ok(json(&seen(workspace, role))?.into())
    }

    fn canonical(&self) -> String {
        json(&self.asked).unwrap_or_default()
    }
}

fn seen(workspace: Workspace, role: Role) -> Workspace {
    Workspace {
        role: Some(role),
        ..workspace
    }
}

/// Counts a use, and ends the invitation with its last one.
fn use_once(act: &Act<'_>, world: &mut World, invite: InviteRecord) -> Result<()> {
    let uses = invite.uses.saturating_add(1);
    if invite.max_uses.is_some_and(|most| uses >= most) {
        return end(act, world, &invite).map(drop);
    }
    world.invites.put(InviteRecord { uses, ..invite });
    Ok(())
}

/// Tells the new member, and the member who invited.
fn tell_both(act: &Act<'_>, world: &mut World, workspace: &Workspace, invite: &InviteRecord) -> Result<()> {
    let (user, by) = (&act.caller.user, invite.invited_by.id);
    let notice = |message: String| Notice {
        r#type: NotificationType::MemberAdded,
        message,
        task: None,
        workspace: Some(workspace.id),
    };
    let joined = format!("You joined “{}”", workspace.name);
    tell(act, world, user.id, notice(joined))?;
    if is_told(world, workspace.id, by, user.id) {
        let joined = format!("{} accepted your invitation to “{}”", user.name, workspace.name);
        tell(act, world, by, notice(joined))?;
    }
    Ok(())
}

fn is_told(world: &World, workspace: WorkspaceId, by: UserId, user: UserId) -> bool {
    by != user && world.role(workspace, by).is_some()
}
