//! Administration of accounts, for those with the global role `admin` and for the operator on the command line. Every act
//! is in the log of the user whom it touches, with its actor. The last active administrator stays one.

use super::accounts::OpenAccount;
use super::caller::{targets_a_user, targets_the_caller};
use super::cursor::{self, List};
use super::letters::{self, About};
use super::notices::{Notice, tell, warn};
use super::profiles::put;
use super::world::World;
use super::{
    Act, Ask, Caller, Change, DONE, Decide, Login, Mutation, Needs, Query, Result, Target, access, codes,
    conflict, json, not_found, sessions,
};
use crate::domain::account as rules;
use crate::store::users::{self, Account};
use crate::unicode::name_key;
use serde::Serialize;
use std::sync::Arc;
use taskwire_protocol::account::{Done, GlobalRole, User};
use taskwire_protocol::admin::{CreateUser, FindUser, ListUsers, SignOutUser, UnlockUser, UpdateUser};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Access, Email, Failure, Operation, Page, UserId, limits};
use uuid::Uuid;

/// The most accounts that one page of a search looks through.
const LOOKED_THROUGH: i64 = 2000;
/// Accounts that are read at once.
const READ: i64 = 200;

targets_the_caller!(ListUsers, FindUser);

impl Query for FindUser {
    async fn answer(self, ask: Ask) -> Result<User> {
        let found = users::find(&mut ask.read().await?, self.id).await?;
        Ok(found.ok_or_else(|| not_found("account").at("id"))?.user)
    }
}

impl Query for ListUsers {
    async fn answer(self, ask: Ask) -> Result<Page<User>> {
        let limit = cursor::limit(self.limit)?;
        let list = List::of(&self, &ask.caller);
        let after: Option<Uuid> = list.position(self.cursor.as_deref())?;
        let wanted = Wanted::of(self.q.as_deref())?;
        let mut reader = ask.read().await?;
        let total = match (after, &wanted) {
            (None, Wanted::All) => Some(users::count(&mut reader).await?),
            _ => None,
        };
        let (mut items, mut last, mut looked) = (Vec::new(), after, 0);
        let next = 'pages: loop {
            let found = users::list(&mut reader, last, READ).await?;
            let is_last = (found.len() as i64) < READ;
            for account in found {
                if items.len() as i64 == limit || looked == LOOKED_THROUGH {
                    break 'pages last;
                }
                looked += 1;
                last = Some(account.user.id.0);
                if wanted.fits(&account.user) {
                    items.push(account.user);
                }
            }
            if is_last {
                break None;
            }
        };
        Ok(Page {
            items,
            next_cursor: next.map(|last| list.cursor(&last)),
            total,
        })
    }
}

/// Which accounts a list has.
enum Wanted {
    All,
    /// Those with this text, in the form of `name_key`.
    With(String),
}

impl Wanted {
    fn of(q: Option<&str>) -> Result<Wanted> {
        let q = q.unwrap_or_default().trim();
        if q.chars().count() > limits::SEARCH {
            let message = format!("q must be at most {} characters", limits::SEARCH);
            return Err(Failure::invalid("q", message));
        }
        Ok(match name_key(q) {
            key if key.is_empty() => Wanted::All,
            key => Wanted::With(key),
        })
    }

    fn fits(&self, user: &User) -> bool {
        match self {
            Wanted::All => true,
            Wanted::With(key) => [&*user.name, &*user.username, &*user.email]
                .iter()
                .any(|text| name_key(text).contains(key.as_str())),
        }
    }
}

targets_a_user!(UpdateUser, UnlockUser, SignOutUser);

/// The account, unless it is deleted.
pub(super) fn account(world: &World, id: UserId) -> Result<Account> {
    let account = world.accounts.get(id);
    // one that was loaded may have been deleted by an earlier part of a batch
    let account = account.filter(|account| account.deleted_at.is_none());
    account.cloned().ok_or_else(|| not_found("account").at("id"))
}

impl Mutation for UpdateUser {
    fn check(mut self) -> Result<Self> {
        self.name = self.name.as_deref().map(rules::name).transpose()?;
        let email = self.email.as_deref().map(rules::email).transpose()?;
        self.email = email.map(Email::from);
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.id);
        needs.logins.extend(self.email.as_deref().map(Login::email));
        if self.role == Some(GlobalRole::User) || self.is_active == Some(false) {
            needs.administrators.insert(self.id);
        }
        if self.is_active == Some(false) || self.email.is_some() {
            access::need(self.id, needs);
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<User>> {
        let mut account = account(world, self.id)?;
        let user = changed(self, &account.user);
        if user == account.user {
            return Ok(Change::nothing(user));
        }
        let holder = world.logins.get(&Login::email(&user.email));
        if holder.is_some_and(|holder| holder.id != self.id) {
            return Err(conflict("another account has this address").at("email"));
        }
        let administers = |user: &User| user.is_active && user.role == GlobalRole::Admin;
        let retires = administers(&account.user) && !administers(&user);
        if retires && !world.has_another_administrator(self.id) {
            return Err(conflict(
                "this is the last active administrator; make another account one first",
            ));
        }
        if account.user.is_active && !user.is_active {
            access::end(act, world, self.id)?;
            account.token_version += 1;
        }
        if account.user.email != user.email {
            // one that was asked for before must not replace this one
            codes::end_all(act, world, self.id);
        }
        world.logins.remove(&Login::email(&account.user.email));
        world.logins.insert(Login::email(&user.email), user.public());
        tell_owner(act, world, &account.user, &user)?;
        Ok(Change::as_logged(put(act, world, account, user)?))
    }
}

/// The user after the change, with the version of before.
fn changed(asked: &UpdateUser, user: &User) -> User {
    let text = |asked: &Option<String>, before: &Arc<str>| {
        asked.as_deref().map_or_else(|| before.clone(), Into::into)
    };
    User {
        role: asked.role.unwrap_or(user.role),
        plan: asked.plan.unwrap_or(user.plan),
        is_active: asked.is_active.unwrap_or(user.is_active),
        name: text(&asked.name, &user.name),
        email: asked.email.clone().unwrap_or_else(|| user.email.clone()),
        is_verified: user.is_verified || asked.email.is_some(),
        ..user.clone()
    }
}

/// Tells somebody that an administrator changed their account, and the address that they had of another one.
fn tell_owner(act: &Act<'_>, world: &mut World, before: &User, after: &User) -> Result<()> {
    let mut changes = Vec::new();
    if before.role != after.role {
        changes.push(format!("your role is {}", word(&after.role)));
    }
    if before.plan != after.plan {
        changes.push(format!("your plan is {}", word(&after.plan)));
    }
    if before.name != after.name {
        changes.push(format!("your name is {}", after.name));
    }
    if before.email != after.email {
        let to = rules::masked(&after.email);
        changes.push(format!("your e-mail address is {to}"));
        letters::post_to(act, world, before, &before.email, About::AddressChanged { to })?;
    }
    if before.is_active != after.is_active {
        changes.push(
            if after.is_active {
                "your account is active again"
            } else {
                "your account is deactivated"
            }
            .to_owned(),
        );
    }
    let message = format!("An administrator changed your account: {}", changes.join(", "));
    tell(
        act,
        world,
        after.id,
        Notice::of_account(NotificationType::Security, message),
    )
}

/// A value of a closed set as the contract writes it.
pub fn word(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn end_sessions(act: &Act<'_>, world: &mut World, user: UserId) -> Result<()> {
    for session in sessions::all_living(world, user) {
        sessions::end(act, world, session)?;
    }
    Ok(())
}

impl Mutation for SignOutUser {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.id);
        needs.sessions_of.insert(self.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let mut account = account(world, self.id)?;
        end_sessions(act, world, self.id)?;
        account.token_version += 1;
        let user = account.user.clone();
        Ok(Change::logged(put(act, world, account, user)?, DONE))
    }
}

impl Mutation for UnlockUser {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.id);
    }

    /// The engine ends the lock, which is in no log: the user is told.
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let user = account(world, self.id)?.user.id;
        let message = "An administrator let you sign in again after failed sign-ins".to_owned();
        let logged = warn(act, world, user, message)?;
        Ok(Change::logged(logged, DONE))
    }
}

/// Makes an account for somebody. The engine has hashed the password.
pub struct MakeUser {
    /// The parameters, without the password.
    pub asked: CreateUser,
    /// The account.
    pub open: OpenAccount,
}

impl Decide for MakeUser {
    fn name(&self) -> &'static str {
        CreateUser::NAME
    }

    fn access(&self) -> Access {
        CreateUser::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        Target::User(self.open.account.user.id)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        Decide::needs(&self.open, caller, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        Decide::decide(&self.open, act, world)
    }

    fn canonical(&self) -> String {
        json(&self.asked).unwrap_or_default()
    }
}
