//! The end of an account, by its owner or by an administrator. One transaction on the user's own stream makes the
//! account a tombstone: an id without name, address, password, sessions and tokens. It cannot be undone. A mutation
//! of a user never locks a workspace's stream, so a job (`EraseAccount`) takes the user out of each workspace, and
//! erases what is left. The engine has verified the password.

use super::admin::its_own;
use super::caller::targets_a_user;
use super::letters::{self, About};
use super::members::{give_role, leave};
use super::sessions::{living, wrong_credentials};
use super::step::{Step, decided_as_steps};
use super::world::{Logged, Members, World};
use super::{
    Act, Caller, Change, DONE, Login, Mutation, Needs, Result, Target, access, conflict, invites, json, users,
};
use crate::domain::account as rules;
use crate::store::jobs::{EraseAccount, EraseWorkspace, NewJob};
use crate::store::users::Account;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::{Done, GlobalRole, Plan, User};
use taskwire_protocol::admin::DeleteUser;
use taskwire_protocol::events;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::workspace::AccessLostReason;
use taskwire_protocol::{UserId, WorkspaceId};

/// The last erasure comes this long after the deletion. Until then, other instances read in the user's log that the
/// sessions have ended, and groups that read the account before its deletion commit; no group lasts this long.
const LAST: Duration = Duration::from_secs(15);
/// The most workspaces that a refusal names.
const NAMED: usize = 5;

decided_as_steps!(DeleteAccount, LeaveForGood);
targets_a_user!(DeleteUser);

/// Deletes the caller's account.
pub struct DeleteAccount {
    /// The account's token version when its password was verified. Another version means that the password has changed
    /// since.
    pub verified: i64,
}

impl Step for DeleteAccount {
    const NAME: &'static str = "profile.delete";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        need(caller.user.id, needs);
        needs.sole_ownerships.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        living(world, act)?;
        let account = its_own(act, world)?;
        if account.token_version != self.verified {
            return Err(wrong_credentials().at("password"));
        }
        hands_over_first(world, account.user.id)?;
        entomb(act, world, &account)?;
        Ok(json(&DONE)?.into())
    }
}

impl Mutation for DeleteUser {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        need(self.id, needs);
    }

    /// An administrator is no member of the workspaces, and cannot hand them over: see [`LeaveForGood`].
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let account = users::account(world, self.id)?;
        Ok(Change::logged(entomb(act, world, &account)?, DONE))
    }
}

fn need(id: UserId, needs: &mut Needs) {
    needs.accounts.insert(id);
    needs.administrators.insert(id);
    access::need(id, needs);
    // later mutations of the account must not find what this one leaves
    needs.alone = true;
}

/// Refuses the only owner of a team that has other members.
fn hands_over_first(world: &World, user: UserId) -> Result<()> {
    let owned = world.sole_ownerships(user);
    if owned.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = owned
        .iter()
        .take(NAMED)
        .map(|(_, name)| format!("“{name}”"))
        .collect();
    let more = match owned.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "you are the only owner of {}{more}, where others are members; first make another member an owner \
         (member.update), or remove the others (member.remove)",
        names.join(", ")
    );
    let listed = owned
        .iter()
        .take(NAMED)
        .map(|(id, name)| serde_json::json!({ "id": id, "name": name }));
    let context = serde_json::json!({ "workspaces": listed.collect::<Vec<_>>() });
    Err(conflict(&message).with(context))
}

/// Makes an account a tombstone. Checks first that an administrator is left.
fn entomb(act: &Act<'_>, world: &mut World, account: &Account) -> Result<Logged<User>> {
    let id = account.user.id;
    let administers = account.user.is_active && account.user.role == GlobalRole::Admin;
    if administers && !world.has_another_administrator(id) {
        return Err(conflict(
            "this is the last active administrator; make another account one first",
        ));
    }
    let caller = nameless(act.caller, id);
    let act = &Act {
        caller: &caller,
        ..*act
    };
    access::end(act, world, id)?;
    let by_administrator = act.caller.user.id != id;
    letters::post(
        act,
        world,
        &account.user,
        About::AccountDeleted { by_administrator },
    )?;
    world.logins.remove(&Login::email(&account.user.email));
    world.logins.remove(&Login::username(&account.user.username));
    let user = tombstone(act, &account.user);
    let logged = world.emit::<events::ProfileUpdated>(act, id, &user)?;
    erase(act, world, id)?;
    world.put_account(Account {
        user,
        password_hash: "".into(),
        token_version: account.token_version + 1,
        personal: account.personal,
        deleted_at: Some(act.now),
    });
    Ok(logged)
}

/// The caller, without the name of the deleted user: the log keeps who deleted the account.
fn nameless(caller: &Caller, deleted: UserId) -> Caller {
    match caller.actor.actor() {
        Actor::User { id, .. } if *id == deleted => caller
            .clone()
            .as_actor(Actor::user(deleted, rules::DELETED.into())),
        _ => caller.clone(),
    }
}

/// What is left of the user.
fn tombstone(act: &Act<'_>, user: &User) -> User {
    let (username, email) = rules::placeholders(act.new_id().as_u128());
    User {
        id: user.id,
        username: username.into(),
        name: rules::DELETED.into(),
        email: email.into(),
        role: GlobalRole::User,
        plan: Plan::Free,
        is_active: false,
        is_verified: false,
        timezone: "UTC".into(),
        preferences: serde_json::Map::new(),
        photo_url: None,
        version: user.version + 1,
        created_at: user.created_at,
        updated_at: act.now,
    }
}

/// Has everything else erased. The newest entry of the user's log is that of the deletion.
fn erase(act: &Act<'_>, world: &mut World, user: UserId) -> Result<()> {
    let first = EraseAccount {
        user,
        actor: act.caller.actor.actor().clone(),
        entry: world.counters(user.into()).seq,
        last: false,
    };
    let last = EraseAccount {
        last: true,
        ..first.clone()
    };
    world.enqueue(NewJob::new(user.to_string(), &first, Duration::ZERO)?);
    world.enqueue(NewJob::new(format!("{user} last"), &last, LAST)?);
    Ok(())
}

/// Takes a deleted user out of a workspace. A team without an owner gets one: of the members with the highest role, the
/// one who joined first. Without members it is erased.
pub struct LeaveForGood {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// It is the user's own one, which is erased with its tasks: nobody needs to know who was assigned to them.
    pub is_personal: bool,
}

impl Step for LeaveForGood {
    const NAME: &'static str = "profile.leave";

    fn target(&self) -> Target {
        Target::Workspace(self.workspace)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        invites::need(self.workspace, needs);
        if !self.is_personal {
            needs.assigned.insert((self.workspace, caller.user.id));
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let (workspace, user) = (self.workspace, act.caller.user.id);
        let heir = world.members(workspace).and_then(|members| heir(members, user));
        if let Some(heir) = heir.cloned() {
            give_role(act, world, workspace, heir, Role::Owner)?;
        }
        leave(act, world, workspace, user, AccessLostReason::Left)?;
        if world.members(workspace).is_none_or(Members::is_empty) {
            let job = EraseWorkspace {
                workspace,
                actor: None,
            };
            world.enqueue(NewJob::new(workspace.to_string(), &job, Duration::ZERO)?);
        }
        Ok(json(&DONE)?.into())
    }
}

/// Who becomes the owner when this member leaves; `None` if there is another owner, or nobody.
fn heir(members: &Members, leaving: UserId) -> Option<&Member> {
    let others = || members.iter().filter(|member| member.user.id != leaving);
    if others().any(|member| member.role == Role::Owner) {
        return None;
    }
    others().max_by_key(|member| (member.role, Reverse((member.joined_at, member.user.id))))
}
