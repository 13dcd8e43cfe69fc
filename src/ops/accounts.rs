//! Accounts: what signing up changes, and what users read about themselves and each other. The engine has hashed the
//! password before.

use super::caller::targets_the_caller;
use super::letters;
use super::notices::{Notice, tell};
use super::sessions::begin;
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{
    Act, Ask, Caller, Load, Login, Needs, Query, Result, conflict, invites, json, not_found,
    workspaces as making,
};
use crate::domain::account as rules;
use crate::store::codes::Purpose;
use crate::store::invites::shown_to;
use crate::store::sessions::SessionRecord;
use crate::store::task_list::ListIndexes;
use crate::store::users::{self, Account};
use crate::store::{notifications, streams, workspaces};
use std::sync::Arc;
use taskwire_protocol::account::{GetProfile, GetUser, PublicUser, SyncUser, User, UserSnapshot};
use taskwire_protocol::events;
use taskwire_protocol::notification::{NotificationSort, NotificationType};
use taskwire_protocol::workspace::WorkspaceKind;
use taskwire_protocol::{Failure, StreamId, limits};

/// How many usernames the server tries when it makes one itself.
const CANDIDATES: usize = 8;

decided_as_steps!(OpenAccount);

/// Makes an account, its personal workspace and its first session.
pub struct OpenAccount {
    /// The account; its username is the first candidate.
    pub account: Account,
    /// Usernames to try when the server makes one. Empty: only the account's own username is tried.
    pub candidates: Vec<String>,
    /// The first session; `None` for an account that an operator makes, and while the address must be verified first.
    pub session: Option<SessionRecord>,
    /// What the code is for that is mailed to the address; `None`: no mail.
    pub code: Option<Purpose>,
}

impl OpenAccount {
    /// Usernames to try for an address, from a random number.
    pub fn candidates(email: &str, random: u64) -> Vec<String> {
        let base = rules::username_from(email);
        let numbered = (0..CANDIDATES as u64 - 1).map(|i| {
            let number = random.rotate_left(u32::try_from(i * 7).unwrap_or_default()) % 1_000_000;
            rules::username_with(&base, u32::try_from(number).unwrap_or_default())
        });
        std::iter::once(base.clone()).chain(numbered).collect()
    }

    fn login(username: &str) -> Login {
        Login::username(username)
    }

    fn username(&self, world: &World) -> Result<String> {
        let free = |username: &&String| !world.logins.contains_key(&Self::login(username));
        if self.candidates.is_empty() {
            let username = self.account.user.username.to_string();
            return Some(username).filter(|u| free(&u)).ok_or_else(username_taken);
        }
        let found = self.candidates.iter().find(free).cloned();
        found.ok_or_else(|| {
            conflict("no free username could be made from the e-mail address; choose one").at("username")
        })
    }
}

/// The refusal of a username that another account has.
pub(super) fn username_taken() -> Failure {
    conflict("the username is taken; choose another one").at("username")
}

impl Step for OpenAccount {
    const NAME: &'static str = "auth.signup";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.logins.insert(Login::email(&self.account.user.email));
        needs.logins.insert(Self::login(&self.account.user.username));
        needs
            .logins
            .extend(self.candidates.iter().map(|candidate| Self::login(candidate)));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        // first the username: with a taken one, a taken address must not be told
        let username = self.username(world)?;
        if world.logins.contains_key(&Login::email(&self.account.user.email)) {
            return Err(conflict("an account with this address exists; sign in instead").at("email"));
        }
        let mut account = self.account.clone();
        account.user.username = username.into();
        let user = account.user.public();
        let caller = Caller {
            user: user.clone(),
            ..act.caller.clone()
        };
        let act = Act {
            caller: &caller,
            now: act.now,
            bounds: act.bounds,
            ids: act.ids,
            op_id: act.op_id,
            place: None,
        };
        world
            .logins
            .insert(Login::email(&account.user.email), user.clone());
        world
            .logins
            .insert(Self::login(&account.user.username), user.clone());
        let (personal, kind) = (account.personal, WorkspaceKind::Personal);
        let personal = making::make(&act, world, personal, "Personal", kind, user.clone())?;
        let granted = taskwire_protocol::workspace::AccessGranted {
            seq: world.counters(personal.id.into()).seq as u64,
            workspace: personal,
            role: taskwire_protocol::member::Role::Owner,
        };
        world.emit::<events::AccessGranted>(&act, user.id, &granted)?;
        if let Some(session) = &self.session {
            begin(&act, world, session.clone())?;
        }
        let message = format!("Welcome, {}! News about your tasks will appear here.", user.name);
        let notice = Notice::of_account(NotificationType::Signup, message);
        tell(&act, world, user.id, notice)?;
        match self.code {
            // only who did not sign up chooses the password later
            Some(Purpose::Reset) => letters::post_account_made(&act, world, &account)?,
            Some(purpose) => letters::post_code(&act, world, &account, &account.user.email, purpose)?,
            None => {}
        }
        let output = json(&account.user)?.into();
        world.put_account(account);
        Ok(output)
    }
}

targets_the_caller!(GetProfile, GetUser, SyncUser);

impl Query for GetProfile {
    async fn answer(self, ask: Ask) -> Result<User> {
        let found = users::find(&mut ask.read().await?, ask.caller.user.id).await;
        Ok(found?.ok_or_else(|| not_found("account"))?.user)
    }
}

impl Query for GetUser {
    async fn answer(self, ask: Ask) -> Result<PublicUser> {
        let (caller, mut reader) = (&ask.caller, ask.read().await?);
        let found = users::find_acquaintance(&mut reader, self.id, caller.user.id, caller.only()).await;
        found?.ok_or_else(|| not_found("user"))
    }
}

impl Query for SyncUser {
    fn load(&self, _caller: &Caller, _indexes: &ListIndexes) -> Load {
        Load::Long
    }

    async fn answer(self, ask: Ask) -> Result<UserSnapshot> {
        let id = ask.caller.user.id;
        let mut reader = ask.moment().await?;
        let counters = streams::counters(&mut reader, id.into()).await?;
        let account = users::find(&mut reader, id)
            .await?
            .ok_or_else(|| not_found("account"))?;
        let newest = notifications::Selection {
            unread_only: false,
            sort: NotificationSort::CreatedAtDesc,
            after: None,
            limit: i64::from(limits::SYNC_NOTIFICATIONS),
        };
        let shown = shown_to(&mut reader, id).await?;
        Ok(UserSnapshot {
            seq: counters.seq as u64,
            user: account.user,
            workspaces: workspaces::list(&mut reader, id, None, i64::MAX).await?,
            invites: shown.into_iter().filter_map(invites::received).collect(),
            notifications: notifications::list(&mut reader, id, newest).await?,
            unread: counters.unread.max(0) as u64,
        })
    }

    fn snapshot(&self, output: &UserSnapshot) -> Option<(StreamId, u64)> {
        Some((output.user.id.into(), output.seq))
    }
}
