//! `invite.create`: an invitation by address, which is mailed, or a link for anybody. The answer is the same whether or not
//! the address has an account. The engine adds a link's token to the answer, which nothing stores.

use super::super::caller::targets_a_workspace;
use super::super::joining::{role_of_caller, workspace};
use super::super::letters::{self, About};
use super::super::notices::{Notice, tell};
use super::super::world::World;
use super::super::{Act, Caller, Change, Login, Mutation, Needs, Result, conflict};
use super::{end_all, received, sent};
use crate::domain::{account, members as rules};
use crate::store::invites::InviteRecord;
use crate::unicode::email_key;
use taskwire_protocol::invite::{CreateInvite, InviteChanged, SentInvite};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{Email, Failure, InviteId, Timestamp, UserId, events, limits};

/// How long an invitation lives: seven days.
const LIFE_MS: i64 = 7 * 86_400_000;

targets_a_workspace!(CreateInvite);

impl Mutation for CreateInvite {
    fn check(mut self) -> Result<Self> {
        let email = self.email.as_deref().map(account::email).transpose()?;
        self.email = email.map(Email::from);
        let most = if self.email.is_some() {
            1
        } else {
            limits::INVITE_USES
        };
        match self.max_uses {
            Some(uses) if !(1..=most).contains(&uses) => Err(Failure::invalid(
                "max_uses",
                format!("max_uses must be 1 to {most}; an invitation by address has one use"),
            )),
            _ => Ok(self),
        }
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.workspaces.insert(self.workspace_id);
        super::need(self.workspace_id, needs);
        if let Some(email) = &self.email {
            let login = Login::email(email);
            needs.acquainted.insert((caller.user.id, login.clone()));
            needs.accounts_of.insert(login.clone());
            needs.logins.insert(login);
        }
    }

    fn reaches(&self, caller: &Caller, world: &World) -> Option<String> {
        let Login::Email(email) = Login::email(self.email.as_deref()?) else {
            return None;
        };
        let user = world.logins.get(&Login::Email(email.clone()));
        let knows = user.is_some_and(|user| world.are_acquainted(caller.user.id, user.id));
        (!knows).then_some(email)
    }

    fn mails(&self) -> Option<String> {
        self.email.as_deref().map(email_key)
    }

    fn makes_token(&self) -> bool {
        self.email.is_none()
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<SentInvite>> {
        let workspace = workspace(act, world)?;
        let by = role_of_caller(act);
        rules::change(workspace.kind, by, None, Some(self.role), usize::MAX)?;
        let owner = self.owner(world);
        if owner.is_some_and(|user| world.role(workspace.id, user).is_some()) {
            return Err(conflict("a member of the workspace has this address").at("email"));
        }
        let all = world.invites.iter().map(|(_, invite)| invite);
        let lives = |invite: &&InviteRecord| invite.workspace == workspace.id && invite.expires_at > act.now;
        let others = all.filter(|invite| lives(invite) && !self.replaces(invite));
        act.bounds.one_more_invite(others.count())?;
        end_all(act, world, workspace.id, |invite| self.replaces(invite))?;
        let invite = self.invite(act, &workspace, owner);
        let logged =
            world.emit::<events::InviteCreated>(act, workspace.id, &InviteChanged { id: invite.id })?;
        if let Some(email) = &invite.email {
            post(act, world, &invite, email)?;
        }
        if let Some(user) = invite.shown_to {
            show(act, world, &invite, user)?;
        }
        world.invites.put(invite.clone());
        Ok(Change::logged(logged, sent(invite)))
    }
}

trait Parts {
    /// The user whose verified address is invited.
    fn owner(&self, world: &World) -> Option<UserId>;
    /// Whether the new invitation takes the place of this one.
    fn replaces(&self, invite: &InviteRecord) -> bool;
    fn invite(&self, act: &Act<'_>, workspace: &Workspace, owner: Option<UserId>) -> InviteRecord;
}

impl Parts for CreateInvite {
    fn owner(&self, world: &World) -> Option<UserId> {
        let user = world.logins.get(&Login::email(self.email.as_deref()?))?;
        let account = world.accounts.get(user.id)?;
        (account.user.is_verified && account.user.is_active).then_some(user.id)
    }

    fn replaces(&self, invite: &InviteRecord) -> bool {
        self.email.as_deref().is_some_and(|email| invite.names(email))
    }

    fn invite(&self, act: &Act<'_>, workspace: &Workspace, owner: Option<UserId>) -> InviteRecord {
        InviteRecord {
            id: InviteId(act.new_id()),
            workspace: workspace.id,
            workspace_name: workspace.name.clone(),
            email: self.email.clone(),
            role: self.role,
            max_uses: if self.email.is_some() {
                Some(1)
            } else {
                self.max_uses
            },
            uses: 0,
            invited_by: act.caller.user.clone(),
            shown_to: owner,
            created_at: act.now,
            expires_at: Timestamp(act.now.0.saturating_add(LIFE_MS)),
        }
    }
}

fn post(act: &Act<'_>, world: &mut World, invite: &InviteRecord, email: &Email) -> Result<()> {
    let about = About::Invitation {
        invite: invite.id,
        workspace: invite.workspace_name.to_string(),
        by: invite.invited_by.name.to_string(),
    };
    letters::post_to_stranger(act, world, email, about)
}

/// Puts an invitation into the own stream of the person whom it names.
pub(super) fn show(act: &Act<'_>, world: &mut World, invite: &InviteRecord, user: UserId) -> Result<()> {
    let Some(shown) = received(invite.clone()) else {
        return Ok(());
    };
    world.emit::<events::InviteReceived>(act, user, &shown)?;
    let message = format!(
        "{} invited you to “{}”",
        invite.invited_by.name, invite.workspace_name
    );
    let notice = Notice {
        r#type: NotificationType::Invite,
        message,
        task: None,
        workspace: Some(invite.workspace),
    };
    tell(act, world, user, notice)
}
