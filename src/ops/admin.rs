//! Administration: the running instances and their sockets, and an operator's changes of accounts on the command line.

use super::caller::targets_the_caller;
use super::cursor::List;
use super::letters::{self, About};
use super::node::{SocketId, Which, Whom};
use super::notices::{Notice, tell, warn};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{
    Act, Ask, Caller, Command, DONE, Decide, Needs, Query, Result, Target, cursor, json, not_found, sessions,
};
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::account::User;
use taskwire_protocol::admin::{ConnectionPage, InstanceList, Kick, ListConnections, ListInstances};
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Access, Failure, Operation as _, UserId};

targets_the_caller!(ListInstances, ListConnections, Kick);

impl Query for ListInstances {
    async fn answer(self, ask: Ask) -> Result<InstanceList> {
        let mut items = ask.node.instances().await?;
        items.sort_by_key(|instance| (instance.started_at, instance.id));
        Ok(InstanceList { items })
    }
}

impl Query for ListConnections {
    async fn answer(self, ask: Ask) -> Result<ConnectionPage> {
        let limit = usize::try_from(cursor::limit(self.limit)?).unwrap_or(usize::MAX);
        let list = List::of(&self, &ask.caller);
        let after: Option<SocketId> = list.position(self.cursor.as_deref())?;
        let which = Which {
            user: self.user_id,
            after,
            limit,
        };
        let (mut page, next) = ask.node.connections(which).await?;
        page.next_cursor = next.map(|last| list.cursor(&last));
        Ok(page)
    }
}

impl Command for Kick {
    async fn act(self, ask: Ask) -> Result<Nothing> {
        let whom = match (self.user_id, self.session_id) {
            (Some(user), None) => Whom::User(user),
            (None, Some(session)) => Whom::Session(session),
            _ => {
                let message = "give exactly one of user_id and session_id";
                return Err(Failure::invalid("user_id", message));
            }
        };
        ask.node.kick(whom, ask.caller.clone()).await?;
        Ok(DONE)
    }
}

/// The part of a kick that is in the log of the user whose sockets it closes.
pub struct TellKicked {
    /// The user.
    pub user: UserId,
    /// Whose sockets are closed.
    pub whom: Whom,
}

impl Decide for TellKicked {
    fn name(&self) -> &'static str {
        Kick::NAME
    }

    fn access(&self) -> Access {
        Kick::ACCESS
    }

    fn target(&self, _: &Caller) -> Target {
        Target::User(self.user)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.user);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(self.user);
        let account = account.filter(|account| account.deleted_at.is_none());
        let user = account.ok_or_else(|| not_found("account"))?.user.id;
        let of = match self.whom {
            Whom::User(_) => "your connections",
            Whom::Session(_) => "the connections of one of your sessions",
        };
        warn(act, world, user, format!("An administrator closed {of}"))?;
        Ok(json(&DONE)?.into())
    }

    /// It has no `op_id`, so nothing compares this.
    fn canonical(&self) -> String {
        String::new()
    }
}

decided_as_steps!(ResetPassword);

/// Gives an account another password and ends its sessions.
pub struct ResetPassword {
    /// The new password's hash, a PHC string.
    pub hash: Arc<str>,
}

impl Step for ResetPassword {
    const NAME: &'static str = "admin.reset_password";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.sessions_of.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = its_own(act, world)?;
        let user = changed(act, account.user, |_| {});
        let logged = world.emit::<events::ProfileUpdated>(act, user.id, &user)?;
        for session in sessions::all_living(world, user.id) {
            sessions::end(act, world, session)?;
        }
        let message = "An operator of the server set your password. Every device was signed out.".to_owned();
        let notice = Notice::of_account(NotificationType::PasswordChanged, message);
        tell(act, world, user.id, notice)?;
        let about = About::PasswordChanged {
            without_tokens: false,
        };
        letters::post(act, world, &user, about)?;
        world.accounts.put(Account {
            user,
            password_hash: self.hash.clone(),
            token_version: account.token_version + 1,
            ..account
        });
        Ok(logged.encoded())
    }
}

/// The caller's own account.
pub(super) fn its_own(act: &Act<'_>, world: &World) -> Result<Account> {
    let account = world.accounts.get(act.caller.user.id);
    account.cloned().ok_or_else(|| not_found("account"))
}

/// The account's next version, with a change.
pub(super) fn changed(act: &Act<'_>, user: User, change: impl FnOnce(&mut User)) -> User {
    let mut user = User {
        version: user.version + 1,
        updated_at: act.now,
        ..user
    };
    change(&mut user);
    user
}
