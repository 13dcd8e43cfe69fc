//! Invitations. A row is decided on under the lock of its workspace's stream. One by address is also in the own stream of
//! the person whose verified address it names (`shown_to`): from the moment at which it is made, or from that at which the
//! person verifies the address, when a job looks for it (`ShowInvites`).
//!
//! - `create`   makes one
//! - `accept`   the invited person becomes a member
//! - `revoke`   an admin takes it back
//! - `offer`    shows it to the person that it names, and ends it when its time is over

mod accept;
mod create;
mod offer;
mod revoke;

pub use accept::Accept;
pub use offer::{EndInvite, OfferInvite, look_for};
pub use revoke::Revoke;

use super::caller::targets_a_workspace;
use super::cursor::{List, Wanted};
use super::world::{Logged, World};
use super::{Act, Ask, Needs, Query, Result, not_found};
use crate::store::invites::{self, InviteRecord};
use taskwire_protocol::invite::{Invite, InviteChanged, ListInvites, SentInvite};
use taskwire_protocol::member::Role;
use taskwire_protocol::workspace::WorkspaceName;
use taskwire_protocol::{Failure, Page, UserId, WorkspaceId, events};
use uuid::Uuid;

/// What a changed member may mean for the invitations of a workspace.
pub(super) fn need(workspace: WorkspaceId, needs: &mut Needs) {
    needs.invites_of.insert(workspace);
}

/// Ends an invitation: its workspace knows, and the person in whose stream it is.
fn end(act: &Act<'_>, world: &mut World, invite: &InviteRecord) -> Result<Option<Logged<InviteChanged>>> {
    let changed = InviteChanged { id: invite.id };
    let mut logged = None;
    // the log of a workspace without members has ended
    if world
        .members(invite.workspace)
        .is_some_and(|members| !members.is_empty())
    {
        let stream = invite.workspace.into();
        logged = Some(world.emit::<events::InviteRevoked>(act, stream, &changed)?);
    }
    if let Some(user) = invite.shown_to {
        logged = Some(world.emit::<events::InviteRevoked>(act, user.into(), &changed)?);
    }
    world.invites.remove(invite.id);
    Ok(logged)
}

/// Ends those of a workspace that fit, in the order of their ids.
fn end_all(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    fits: impl Fn(&InviteRecord) -> bool,
) -> Result<()> {
    let all = world.invites.iter().map(|(_, invite)| invite);
    let fitting = all.filter(|invite| invite.workspace == workspace && fits(invite));
    let mut ends: Vec<InviteRecord> = fitting.cloned().collect();
    ends.sort_unstable_by_key(|invite| invite.id);
    ends.iter()
        .try_for_each(|invite| end(act, world, invite).map(drop))
}

/// A member has another role, or none: invitations that they could not make any more end.
pub(super) fn end_made_by(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    member: UserId,
    now: Option<Role>,
) -> Result<()> {
    end_all(act, world, workspace, |invite| {
        let could = now.is_some_and(|role| role >= Role::Admin && role >= invite.role);
        invite.invited_by.id == member && !could
    })
}

/// Somebody is a member now: invitations in their own stream end.
pub(super) fn end_shown_to(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    user: UserId,
) -> Result<()> {
    end_all(act, world, workspace, |invite| invite.shown_to == Some(user))
}

/// The refusal of an invitation that does not exist, that has ended, or that is not the caller's. It is the same for all
/// of them.
fn void(field: &str) -> Failure {
    not_found("invitation that you could accept; it may have expired, or was revoked: ask for another one")
        .at(field)
}

/// An invitation by address as the person sees it.
pub fn received(invite: InviteRecord) -> Option<Invite> {
    Some(Invite {
        id: invite.id.0,
        workspace: WorkspaceName {
            id: invite.workspace,
            name: invite.workspace_name,
        },
        email: invite.email?,
        role: invite.role,
        invited_by: invite.invited_by,
        expires_at: invite.expires_at,
        created_at: invite.created_at,
    })
}

/// An invitation as admins see it.
fn sent(invite: InviteRecord) -> SentInvite {
    SentInvite {
        id: invite.id,
        workspace: WorkspaceName {
            id: invite.workspace,
            name: invite.workspace_name,
        },
        email: invite.email,
        role: invite.role,
        invited_by: invite.invited_by,
        max_uses: invite.max_uses,
        uses: invite.uses,
        expires_at: invite.expires_at,
        created_at: invite.created_at,
        token: None,
    }
}

targets_a_workspace!(ListInvites);

impl Query for ListInvites {
    async fn answer(self, ask: Ask) -> Result<Page<SentInvite>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let mut reader = ask.read().await?;
        let (workspace, now) = (self.workspace_id, ask.node.now());
        let items = invites::list(&mut reader, workspace, now, wanted.after, wanted.to_read()).await?;
        let items = items.into_iter().map(sent).collect();
        let count = invites::count(&mut reader, workspace, now);
        wanted.page(items, |invite: &SentInvite| invite.id.0, count).await
    }
}
