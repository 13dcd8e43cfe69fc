//! The server's own steps with an invitation: it shows one to the person who verified the address that it names, and ends
//! one whose time is over.

use super::super::step::{Step, decided_as_steps};
use super::super::world::World;
use super::super::{Act, Caller, DONE, Needs, Result, Target, json};
use super::create::show;
use super::end;
use crate::store::StoreError;
use crate::store::invites::InviteRecord;
use crate::store::jobs::{NewJob, ShowInvites};
use crate::store::users::Account;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::invite::InviteChanged;
use taskwire_protocol::{InviteId, UserId, WorkspaceId, events};

/// The second look comes this long after the address was verified. A group that makes an invitation may have read the account
/// before that and commit after the first look; no group lasts this long.
const SECOND_LOOK: Duration = Duration::from_secs(15);

decided_as_steps!(OfferInvite, EndInvite);

/// Has a job look for the invitations of everybody whose verified address is another one after this group, or who is active
/// again.
pub fn look_for(world: &mut World) -> std::result::Result<(), StoreError> {
    let address = |account: &Account| {
        let user = &account.user;
        (user.is_verified && user.is_active).then(|| user.email.clone())
    };
    let changed = world.accounts.changes().filter_map(|change| {
        let now = change.now?;
        let (before, after) = (change.before.and_then(address), address(now));
        (before != after && now.deleted_at.is_none()).then_some(now.user.id)
    });
    let users: Vec<UserId> = changed.collect();
    for user in users {
        let job = ShowInvites { user };
        world.enqueue(NewJob::new(user.to_string(), &job, Duration::ZERO)?);
        world.enqueue(NewJob::new(format!("{user} again"), &job, SECOND_LOOK)?);
    }
    Ok(())
}

/// Puts an invitation into the caller's own stream if it names the caller's verified address and its time is not over, and
/// takes it out of there otherwise.
pub struct OfferInvite {
    /// The invitation.
    pub invite: InviteId,
    /// Its workspace.
    pub workspace: WorkspaceId,
}

impl Step for OfferInvite {
    const NAME: &'static str = "invite.offer";

    fn target(&self) -> Target {
        Target::Outside(self.workspace)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.invites.insert(self.invite);
        needs.accounts.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = act.caller.user.id;
        let Some(invite) = world.invites.get(self.invite).cloned() else {
            return Ok(json(&DONE)?.into());
        };
        let account = world.accounts.get(user).map(|account| &account.user);
        let wanted = account.is_some_and(|account| {
            let is_own = account.is_verified && account.is_active && invite.names(&account.email);
            is_own && invite.expires_at > act.now && world.role(invite.workspace, user).is_none()
        });
        let is_shown = invite.shown_to == Some(user);
        if is_shown == wanted {
            return Ok(json(&DONE)?.into());
        }
        if let Some(before) = invite.shown_to {
            let changed = InviteChanged { id: invite.id };
            world.emit::<events::InviteRevoked>(act, before.into(), &changed)?;
        }
        let shown_to = wanted.then_some(user);
        let invite = InviteRecord { shown_to, ..invite };
        if wanted {
            show(act, world, &invite, user)?;
        }
        world.invites.put(invite);
        Ok(json(&DONE)?.into())
    }
}

/// Ends an invitation: its time is over, its workspace was deleted, or the account was whose address it names.
pub struct EndInvite {
    /// The invitation.
    pub invite: InviteId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// A deleted account, whose log gets nothing more.
    pub deleted: Option<UserId>,
}

impl Step for EndInvite {
    const NAME: &'static str = "invite.end";

    fn target(&self) -> Target {
        Target::Outside(self.workspace)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.invites.insert(self.invite);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        if let Some(mut invite) = world.invites.get(self.invite).cloned() {
            invite.shown_to = invite.shown_to.filter(|user| Some(*user) != self.deleted);
            end(act, world, &invite)?;
        }
        Ok(json(&DONE)?.into())
    }
}
