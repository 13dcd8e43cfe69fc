//! Profiles: what users change about themselves, and how it reaches their workspaces. A mutation of a user never locks a
//! workspace's stream, so a job (`SpreadProfile`) shows the change in each of them.

use super::caller::targets_the_caller;
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::{Logged, World};
use super::{Act, Caller, Change, DONE, Login, Mutation, Needs, Result, Target, conflict, json, not_found};
use crate::domain::{account as rules, preferences};
use crate::store::jobs::{LookAgain, NewJob, SpreadProfile};
use crate::store::users::Account;
use serde_json::Map;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::{UpdateProfile, User};
use taskwire_protocol::events;
use taskwire_protocol::member::Member;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Patch, UserId, WorkspaceId};

/// The second look at a user's workspaces comes this long after a change. A group that adds the user to a workspace may
/// have read the profile before the change and commit after the first look; no group lasts this long.
const SECOND_LOOK: Duration = Duration::from_secs(15);

targets_the_caller!(UpdateProfile);

impl Mutation for UpdateProfile {
    const CHANGES_PROFILE: bool = true;

    fn check(mut self) -> Result<Self> {
        self.name = self.name.as_deref().map(rules::name).transpose()?;
        self.username = self.username.as_deref().map(rules::username).transpose()?;
        self.timezone = self.timezone.as_deref().map(rules::timezone).transpose()?;
        if let Patch::Set(given) = &self.preferences {
            preferences::check(given)?;
        }
        Ok(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.logins.extend(self.username.as_deref().map(Login::username));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<User>> {
        let account = world.accounts.get(act.caller.user.id).cloned();
        let account = account.ok_or_else(|| not_found("account"))?;
        let mut user = account.user.clone();
        if let Some(username) = &self.username {
            let holder = world.logins.get(&Login::username(username));
            if holder.is_some_and(|holder| holder.id != user.id) {
                return Err(conflict("the username is taken; choose another one").at("username"));
            }
            user.username = username.as_str().into();
        }
        if let Some(name) = &self.name {
            user.name = name.as_str().into();
        }
        if let Some(timezone) = &self.timezone {
            user.timezone = timezone.as_str().into();
        }
        user.preferences = match &self.preferences {
            Patch::Keep => user.preferences,
            Patch::Clear => Map::new(),
            Patch::Set(given) => preferences::merged(user.preferences, given)?,
        };
        if user == account.user {
            return Ok(Change::nothing(user));
        }
        let logged = put(act, world, account, user)?;
        let notice = Notice::of_account(
            NotificationType::ProfileUpdated,
            "Your profile was changed".to_owned(),
        );
        tell(act, world, act.caller.user.id, notice)?;
        Ok(Change::as_logged(logged))
    }
}

/// Whether a person is told about tasks at other moments than before.
fn moments_differ(now: &User, before: &User) -> bool {
    now.timezone != before.timezone
        || preferences::due_lead(&now.preferences) != preferences::due_lead(&before.preferences)
}

/// Writes a changed account, logs that on the user's stream, and has it shown in the user's workspaces if others see the
/// change. `user` differs from the account's user in what changed, except the version and the time.
pub(super) fn put(act: &Act<'_>, world: &mut World, account: Account, user: User) -> Result<Logged<User>> {
    let before = account.user.public();
    let user = User {
        version: account.user.version + 1,
        updated_at: act.now,
        ..user
    };
    let logged = world.emit::<events::ProfileUpdated>(act, user.id, &user)?;
    if moments_differ(&user, &account.user) {
        let job = LookAgain { user: user.id };
        world.enqueue(NewJob::new(user.id.to_string(), &job, Duration::ZERO)?);
    }
    if user.public() != before {
        world.renamed(&before, &user.public());
        spread(act, world, user.id)?;
    }
    world.put_account(Account { user, ..account });
    Ok(logged)
}

/// Has a user's profile, as it is then, shown in their workspaces.
pub(super) fn spread(act: &Act<'_>, world: &mut World, user: UserId) -> Result<()> {
    let actor = act.caller.actor.actor().clone();
    let job = SpreadProfile { user, actor };
    world.enqueue(NewJob::new(user.to_string(), &job, Duration::ZERO)?);
    world.enqueue(NewJob::new(format!("{user} again"), &job, SECOND_LOOK)?);
    Ok(())
}

decided_as_steps!(EndMails, ShowProfile);

/// Ends the mails about the caller's tasks, as the link in such a mail asks for.
pub struct EndMails;

impl Step for EndMails {
    const NAME: &'static str = "profile.end_mails";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(act.caller.user.id).cloned();
        let account = account.ok_or_else(|| not_found("account"))?;
        let preferences = preferences::without_mails(account.user.preferences.clone());
        if preferences != account.user.preferences {
            let user = User {
                preferences,
                ..account.user.clone()
            };
            put(act, world, account, user)?;
        }
        Ok(json(&DONE)?.into())
    }
}

/// Shows the caller's profile, as it is now, in one of their workspaces.
pub struct ShowProfile(pub WorkspaceId);

impl Step for ShowProfile {
    const NAME: &'static str = "profile.show";

    fn target(&self) -> Target {
        Target::Workspace(self.0)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let (workspace, id) = (act.workspace()?, act.caller.user.id);
        let account = world.accounts.get(id).ok_or_else(|| not_found("account"))?;
        let user = account.user.public();
        let member = world.members(workspace).and_then(|members| members.get(id));
        let member = member.ok_or_else(|| not_found("member"))?;
        if member.user != user {
            let member = Member {
                user,
                version: member.version + 1,
                ..member.clone()
            };
            world.emit::<events::MemberUpdated>(act, workspace, &member)?;
            world.put_member(workspace, member);
        }
        Ok(json(&DONE)?.into())
    }
}
