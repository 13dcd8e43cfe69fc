//! Makes and finds accounts: for sign-up, for `admin_email` at the start, and for operators.

use super::audit;
use super::submission::{Step, Submission, Work};
use super::{Caller, Engine, spawned};
use crate::auth::passwords::{Asker, Passwords, check_new};
use crate::config::Settings;
use crate::domain::account as rules;
use crate::ops::accounts::OpenAccount;
use crate::ops::{Decide, Grant, asked, bug};
use crate::store::users::{self, Account};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, Plan, PublicUser, User};
use taskwire_protocol::admin::CreateUser;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{ErrorCode, Failure, Operation as _, SessionId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

impl Engine {
    /// Makes the account of `admin_email`, if it is set and nobody administers the server: an administrator who has another
    /// address by now must not come back with the password of the settings. Instances that start together may all find
    /// none: one makes the account, and the others find the address taken.
    pub(super) async fn ensure_admin(&self, settings: &Settings) -> Result<(), Failure> {
        let (Some(email), Some(password)) = (&settings.admin_email, &settings.admin_password) else {
            return Ok(());
        };
        let store = self.0.store.clone();
        if spawned(async move { users::has_administrator(&mut store.read().await?).await }).await? {
            return Ok(());
        }
        if self.find_account(email).await?.is_some() {
            tracing::warn!(
                email = rules::masked(email),
                "the account of admin_email is no administrator; `taskwire admin set-role` makes it one"
            );
            return Ok(());
        }
        match self
            .make_account(email, "Administrator", GlobalRole::Admin, password, Actor::Server)
            .await
        {
            Ok(user) => {
                tracing::info!(email = rules::masked(email), "made the account of admin_email");
                audit::by_operator(CreateUser::NAME, &Actor::Server, &user);
            }
            Err(failure) if address_is_taken(&failure) => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Makes an account without a sign-up. Its address counts as verified.
    pub(super) async fn make_account(
        &self,
        email: &str,
        name: &str,
        role: GlobalRole,
        password: &SecretString,
        actor: Actor,
    ) -> Result<User, Failure> {
        let password = password.expose_secret().to_owned();
        let mut account = self
            .new_account(email, name, None, password, Asker::server())
            .await?;
        (account.user.role, account.user.is_verified) = (role, true);
        let candidates = OpenAccount::candidates(&account.user.email, rand::random());
        let caller = on_behalf(&account, SessionId(self.0.ids.next()), actor);
        let open = OpenAccount {
            account,
            candidates,
            session: None,
            code: None,
        };
        self.act(caller, open).await
    }

    /// Checks the fields and makes an account that is not stored yet.
    pub(super) async fn new_account(
        &self,
        email: &str,
        name: &str,
        username: Option<&str>,
        password: String,
        asker: Asker,
    ) -> Result<Account, Failure> {
        let (email, name) = check_fields(email, name, username, &password)?;
        let password_hash = self
            .0
            .passwords
            .hash(SecretString::from(password), asker)
            .await?
            .into();
        let now = Timestamp(self.0.clock.now_ms());
        let user = User {
            id: UserId(self.0.ids.next()),
            username: username
                .map_or_else(|| rules::username_from(&email), str::to_owned)
                .into(),
            name: name.into(),
            email: email.into(),
            role: GlobalRole::User,
            plan: Plan::Free,
            is_active: true,
            is_verified: false,
            timezone: "UTC".into(),
            preferences: serde_json::Map::new(),
            photo_url: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        Ok(Account {
            user,
            password_hash,
            token_version: 0,
            personal: WorkspaceId(self.0.ids.next()),
            deleted_at: None,
        })
    }

    /// The account with an e-mail address.
    pub(super) async fn find_account(&self, email: &str) -> Result<Option<Account>, Failure> {
        let (store, email) = (self.0.store.clone(), email.trim().to_owned());
        spawned(async move { users::find_by_email(&mut store.read().await?, &email).await }).await
    }

    pub(super) fn passwords(&self) -> &Passwords {
        &self.0.passwords
    }

    /// Runs one of the server's own steps on the lane and returns its output.
    pub(super) async fn act<T: DeserializeOwned>(
        &self,
        caller: Arc<Caller>,
        decide: impl Decide + 'static,
    ) -> Result<T, Failure> {
        let mut submission = Submission::new(caller, None, Work::One(Step::own(Box::new(decide))));
        if let Some(request) = asked::current() {
            request.acts();
            submission.request_id = Some(request.id());
        }
        let reply = self.0.lane.submit(Box::new(submission)).await?;
        reply
            .output()
            .ok_or_else(|| bug("the output of a step cannot be read"))
    }
}

/// Checks the fields of a new account. Returns the address and the name as they are stored.
pub(super) fn check_fields(
    email: &str,
    name: &str,
    username: Option<&str>,
    password: &str,
) -> Result<(String, String), Failure> {
    let (email, name) = (rules::email(email)?, rules::name(name)?);
    let mut personal = vec![email.as_str(), name.as_str()];
    personal.extend(username);
    check_new(password, &personal)?;
    Ok((email, name))
}

/// The owner of an account as a caller, in a session.
pub(super) fn caller(account: &Account, session: SessionId) -> Arc<Caller> {
    let (user, role, personal) = (account.user.public(), account.user.role, account.personal);
    Arc::new(Caller::new(user, session, role, personal))
}

/// The owner of an account as a caller who acts with an API token. The global role does not come with it.
pub(super) fn caller_with(account: &Account, grant: Grant) -> Arc<Caller> {
    let (user, personal) = (account.user.public(), account.personal);
    Arc::new(Caller::with_token(user, grant, personal))
}

/// A caller for an account on whose behalf another actor acts.
pub(super) fn on_behalf(account: &Account, session: SessionId, actor: Actor) -> Arc<Caller> {
    Arc::new(Caller::clone(&caller(account, session)).as_actor(actor))
}

/// A user as a caller of a step that needs no more of them than their id.
pub(super) fn acting_for(id: UserId, session: SessionId, actor: Actor) -> Arc<Caller> {
    let user = PublicUser {
        id,
        username: "".into(),
        name: "".into(),
        photo_url: None,
    };
    let personal = WorkspaceId(Uuid::nil());
    let caller = Caller::new(user, session, GlobalRole::User, personal);
    Arc::new(caller.as_actor(actor))
}

pub(super) fn inactive() -> Failure {
    Failure::new(ErrorCode::AccountInactive, "the account is deactivated")
}

/// Whether the failure says that an account with this address exists.
pub(super) fn address_is_taken(failure: &Failure) -> bool {
    failure.code == ErrorCode::Conflict && failure.field.as_deref() == Some("email")
}
