//! Accounts and sessions: what signing up, in and out changes, and what people read of themselves and each other.
//! Passwords and tokens are checked before; here are only the rules on rows.

use super::caller::targets_the_caller;
use super::notices::{Notice, tell};
use super::world::World;
use super::{Act, Ask, Caller, Login, Needs, Query, Result, conflict, json, not_found, workspaces as making};
use crate::domain::account as rules;
use crate::store::sessions::SessionRecord;
use crate::store::users::{self, Account};
use crate::store::{notifications, streams, workspaces};
use std::sync::Arc;
use taskwire_protocol::account::{
    GetProfile, GetUser, PublicUser, Session, SessionRevoked, SyncUser, User, UserSnapshot,
};
use taskwire_protocol::events;
use taskwire_protocol::notification::{NotificationSort, NotificationType};
use taskwire_protocol::workspace::WorkspaceKind;
use taskwire_protocol::{ErrorCode, Failure, StreamId, Timestamp, limits};

/// Candidates for a username that the server makes.
const CANDIDATES: usize = 8;

/// A step of signing up, in or out: a mutation of the caller's own that no row of the table has, for what comes in is
/// checked and hashed before.
pub(super) trait Step: Send + Sync {
    const NAME: &'static str;

    fn needs(&self, _caller: &Caller, _needs: &mut Needs) {}

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>>;
}

macro_rules! decided_as_steps {
    ($($step:ty),*) => { $(
        impl $crate::ops::Decide for $step {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn access(&self) -> taskwire_protocol::Access {
                taskwire_protocol::Access::User
            }

            fn target(&self, _: &$crate::ops::Caller) -> $crate::ops::Target {
                $crate::ops::Target::Own
            }

            fn needs(&self, caller: &$crate::ops::Caller, needs: &mut $crate::ops::Needs) {
                $crate::ops::accounts::Step::needs(self, caller, needs);
            }

            fn decide(
                &self,
                act: &$crate::ops::Act<'_>,
                world: &mut $crate::ops::world::World,
            ) -> $crate::ops::Result<std::sync::Arc<str>> {
                $crate::ops::accounts::Step::decide(self, act, world)
            }

            /// They have no `op_id`.
            fn canonical(&self) -> String {
                String::new()
            }
        }
    )* };
}

pub(super) use decided_as_steps;

decided_as_steps!(OpenAccount, OpenSession, RotateSession, EndSession);

/// Makes an account, its personal workspace and its first session.
pub struct OpenAccount {
    /// The account; its username is the first candidate.
    pub account: Account,
    /// Usernames to try when the server makes one; empty: the account's or none.
    pub candidates: Vec<String>,
    /// The session; none for an account that an operator makes.
    pub session: Option<SessionRecord>,
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
        Login::Username(users::key(username))
    }

    fn username(&self, world: &World) -> Result<String> {
        let free = |username: &&String| !world.logins.contains_key(&Self::login(username));
        if self.candidates.is_empty() {
            let username = self.account.user.username.to_string();
            return Some(username)
                .filter(|u| free(&u))
                .ok_or_else(|| conflict("the username is taken").at("username"));
        }
        let found = self.candidates.iter().find(free).cloned();
        found.ok_or_else(|| conflict("no username could be made from the address; give one").at("username"))
    }
}

impl Step for OpenAccount {
    const NAME: &'static str = "auth.signup";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs
            .logins
            .insert(Login::Email(users::key(&self.account.user.email)));
        needs.logins.insert(Self::login(&self.account.user.username));
        needs
            .logins
            .extend(self.candidates.iter().map(|candidate| Self::login(candidate)));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        if world
            .logins
            .contains_key(&Login::Email(users::key(&self.account.user.email)))
        {
            return Err(conflict("an account with this address exists; sign in instead").at("email"));
        }
        let username = self.username(world)?;
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
            ids: act.ids,
            op_id: act.op_id,
            place: None,
        };
        world
            .logins
            .insert(Login::Email(users::key(&account.user.email)), user.clone());
        world
            .logins
            .insert(Self::login(&account.user.username), user.clone());
        let personal = making::make(&act, world, account.personal, "Personal", WorkspaceKind::Personal)?;
        let granted = taskwire_protocol::workspace::AccessGranted {
            seq: world.counters(personal.id.into()).seq as u64,
            workspace: personal,
            role: taskwire_protocol::member::Role::Owner,
        };
        world.emit::<events::AccessGranted>(&act, user.id, &granted)?;
        if let Some(session) = &self.session {
            begin(&act, world, session.clone())?;
        }
        let message = format!(
            "Welcome, {}! This is where news about your tasks will be.",
            user.name
        );
        tell(
            &act,
            world,
            user.id,
            Notice {
                r#type: NotificationType::Signup,
                message,
                task: None,
                workspace: None,
            },
        )?;
        let output = json(&account.user)?.into();
        world.accounts.put(account);
        Ok(output)
    }
}

/// Begins a session of an account.
pub struct OpenSession {
    /// The session.
    pub session: SessionRecord,
    /// The token version of the account whose password was verified: with another one, it had another password.
    pub verified: i64,
}

/// The e-mail address or the password is wrong; which, is not said.
pub fn wrong_credentials() -> Failure {
    Failure::new(ErrorCode::InvalidCredentials, "e-mail or password is wrong")
}

impl Step for OpenSession {
    const NAME: &'static str = "auth.login";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.session.user);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(self.session.user);
        if account.is_none_or(|account| account.token_version != self.verified) {
            return Err(wrong_credentials());
        }
        begin(act, world, self.session.clone())?;
        let device = self
            .session
            .device_name
            .as_deref()
            .or(self.session.client.as_deref());
        let message = format!("A new sign-in from {}", device.unwrap_or("an unnamed device"));
        let notice = Notice {
            r#type: NotificationType::Login,
            message,
            task: None,
            workspace: None,
        };
        tell(act, world, act.caller.user.id, notice)?;
        Ok("{}".into())
    }
}

fn begin(act: &Act<'_>, world: &mut World, session: SessionRecord) -> Result<()> {
    world.emit::<events::SessionCreated>(act, session.user, &view(&session))?;
    world.sessions.put(session);
    Ok(())
}

fn view(session: &SessionRecord) -> Session {
    Session {
        id: session.id,
        device_name: session.device_name.clone(),
        client: session.client.clone(),
        address: session.address.clone(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        current: false,
    }
}

/// Replaces a session's refresh token. No stream shows it, so nothing is logged.
pub struct RotateSession {
    /// The hash that the session must still have.
    pub from: String,
    /// The hash that it gets.
    pub to: String,
    /// When the new token ends.
    pub expires_at: Timestamp,
}

impl Step for RotateSession {
    const NAME: &'static str = "auth.refresh";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let session = living(world, act)?;
        if session.refresh_hash != self.from {
            return Err(Failure::new(
                ErrorCode::InvalidToken,
                "the refresh token was used already",
            ));
        }
        let (refresh_hash, expires_at) = (self.to.clone(), self.expires_at);
        world.sessions.put(SessionRecord {
            refresh_hash,
            expires_at,
            last_seen_at: act.now,
            ..session
        });
        Ok("{}".into())
    }
}

/// Ends the caller's session.
pub struct EndSession;

impl Step for EndSession {
    const NAME: &'static str = "auth.logout";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let Ok(session) = living(world, act) else {
            return Ok("{}".into());
        };
        world.emit::<events::SessionRevoked>(act, session.user, &SessionRevoked { id: session.id })?;
        let device = session
            .device_name
            .as_deref()
            .or(session.client.as_deref())
            .unwrap_or("a device")
            .to_owned();
        world.sessions.put(SessionRecord {
            revoked_at: Some(act.now),
            ..session
        });
        let message = format!("Signed out on {device}");
        let notice = Notice {
            r#type: NotificationType::Logout,
            message,
            task: None,
            workspace: None,
        };
        tell(act, world, act.caller.user.id, notice)?;
        Ok("{}".into())
    }
}

fn living(world: &World, act: &Act<'_>) -> Result<SessionRecord> {
    let session = world
        .sessions
        .get(act.caller.session)
        .filter(|session| session.revoked_at.is_none());
    session
        .cloned()
        .ok_or_else(|| Failure::new(ErrorCode::TokenRevoked, "the session has ended; sign in again"))
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
        let found = users::find_acquaintance(&mut ask.read().await?, self.id, ask.caller.user.id).await;
        found?.ok_or_else(|| not_found("user"))
    }
}

impl Query for SyncUser {
    async fn answer(self, ask: Ask) -> Result<UserSnapshot> {
        let id = ask.caller.user.id;
        let mut reader = ask.moment().await?;
        let counters = streams::counters(&mut reader, id.into()).await?;
        let account = users::find(&mut reader, id)
            .await?
            .ok_or_else(|| not_found("account"))?;
        let newest = notifications::Wanted {
            unread_only: false,
            sort: NotificationSort::CreatedAtDesc,
            after: None,
            limit: i64::from(limits::SYNC_NOTIFICATIONS),
        };
        Ok(UserSnapshot {
            seq: counters.seq as u64,
            user: account.user,
            workspaces: workspaces::list(&mut reader, id, None, i64::MAX).await?,
            invites: Vec::new(),
            notifications: notifications::list(&mut reader, id, newest).await?,
            unread: counters.unread.max(0) as u64,
        })
    }

    fn snapshot(&self, output: &UserSnapshot) -> Option<(StreamId, u64)> {
        Some((output.user.id.into(), output.seq))
    }
}
