//! Signing up, in and out, and who a token speaks for. Passwords are hashed off the async threads, before anything
//! enters the writer's lane.

use super::job::{Job, Step, Work};
use super::known::Known;
use super::{Engine, Identity, spawned};
use crate::auth::passwords::{check_new, needs_rehash};
use crate::auth::tokens::{RefreshToken, Subject};
use crate::config::Settings;
use crate::domain::{account as rules, text};
use crate::ops::accounts::{EndSession, OpenAccount, OpenSession, RotateSession, wrong_credentials};
use crate::ops::{self, Caller, Decide};
use crate::store::sessions::SessionRecord;
use crate::store::users::{self, Account};
use secrecy::{ExposeSecret, SecretString};
use std::fmt::Write;
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, LogIn, Plan, SignUp, Tokens, User};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{ErrorCode, Failure, SessionId, Timestamp, UserId, WorkspaceId, limits};

/// Where a sign-in comes from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address of the client.
    pub address: Option<String>,
    /// The program, like `tw/0.1.0`.
    pub client: Option<String>,
}

impl Engine {
    /// Makes an account and signs in.
    pub async fn sign_up(&self, params: SignUp, from: Origin) -> Result<Tokens, Failure> {
        let username = params.username.as_deref().map(rules::username).transpose()?;
        let account = self
            .new_account(&params.email, &params.name, username.as_deref(), params.password)
            .await?;
        let (session, refresh) = self.new_session(account.user.id, params.device_name, from)?;
        let caller = caller(&account, session.id);
        let candidates = match username {
            Some(_) => Vec::new(),
            None => OpenAccount::candidates(&account.user.email, rand::random()),
        };
        let mut account = account;
        let open = OpenAccount {
            account: account.clone(),
            candidates,
            session: Some(session),
        };
        let reply = self.act(caller.clone(), open).await?;
        account.user = made(&reply)?;
        self.tokens(&account, caller.session, Some(refresh))
    }

    /// Signs in.
    pub async fn log_in(&self, params: LogIn, from: Origin) -> Result<Tokens, Failure> {
        let (store, email) = (self.0.store.clone(), params.email.trim().to_owned());
        let found =
            spawned(async move { users::find_by_email(&mut store.read().await?, &email).await }).await?;
        let password = SecretString::from(params.password);
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        if !self.0.passwords.verify(password.clone(), hash.as_deref()).await? {
            return Err(wrong_credentials());
        }
        let account = found.ok_or_else(wrong_credentials)?;
        if !account.user.is_active {
            return Err(inactive());
        }
        if needs_rehash(&account.password_hash) {
            tracing::info!(user.id = %account.user.id, "the password's hash has old parameters");
        }
        let (session, refresh) = self.new_session(account.user.id, params.device_name, from)?;
        let caller = caller(&account, session.id);
        // another password may have come while this one was verified
        let verified = account.token_version;
        self.act(caller.clone(), OpenSession { session, verified })
            .await?;
        self.tokens(&account, caller.session, Some(refresh))
    }

    /// Exchanges a refresh token for the next pair; it works once.
    pub async fn refresh(&self, refresh_token: &str, _from: Origin) -> Result<Tokens, Failure> {
        let invalid = || {
            Failure::new(
                ErrorCode::InvalidToken,
                "the refresh token is not valid; sign in again",
            )
        };
        let old = RefreshToken::parse(refresh_token).map_err(|_| invalid())?;
        // not shared with others: a token that was exchanged a moment ago must not look valid
        let known = self
            .0
            .sessions
            .read_now(old.session())
            .await?
            .ok_or_else(invalid)?;
        let (session, account) = (&known.session, &known.account);
        if session.refresh_hash != hex(&old.hash()) {
            return Err(invalid());
        }
        self.check_alive(session, account)?;
        let new = RefreshToken::new(session.id, &mut rand::rng());
        let caller = caller(account, session.id);
        let expires_at = self.refresh_end();
        let rotate = RotateSession {
            from: session.refresh_hash.clone(),
            to: hex(&new.hash()),
            expires_at,
        };
        self.act(caller.clone(), rotate).await?;
        self.tokens(account, caller.session, Some(new))
    }

    /// Ends the caller's session: its tokens are void, its sockets close.
    pub async fn log_out(&self, caller: &Caller) -> Result<(), Failure> {
        self.act(Arc::new(caller.clone()), EndSession).await.map(drop)
    }

    /// Who a token speaks for: asked once a socket or request.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Failure> {
        let claims = self.0.tokens.verify(token, self.0.clock.now_ms())?;
        let known = self.living(claims.subject.session, 0).await?;
        let (session, account) = (&known.session, &known.account);
        if session.user != claims.subject.user || account.token_version != claims.subject.token_version {
            return Err(revoked());
        }
        Ok(Identity {
            caller: known.caller.clone(),
            expires_at: claims.expires_at,
        })
    }

    /// A session that has not ended, and whose it is, for somebody who has seen the user's own stream come to `seen`.
    pub(super) async fn living(&self, id: SessionId, seen: u64) -> Result<Arc<Known>, Failure> {
        let sessions = &self.0.sessions;
        let known = match sessions.kept(id, seen) {
            Some(known) => known,
            None => sessions.read(id, seen).await?.ok_or_else(revoked)?,
        };
        self.check_alive(&known.session, &known.account)?;
        Ok(known)
    }

    fn check_alive(&self, session: &SessionRecord, account: &Account) -> Result<(), Failure> {
        if session.revoked_at.is_some() {
            return Err(revoked());
        }
        if session.expires_at.0 <= self.0.clock.now_ms() {
            return Err(Failure::new(
                ErrorCode::TokenExpired,
                "the session has expired; sign in again",
            ));
        }
        if account.user.is_active {
            Ok(())
        } else {
            Err(inactive())
        }
    }

    /// Makes the account of `admin_email`, if it is set and missing. Instances that start together may all find it missing:
    /// one makes it, and to the others it is there.
    pub(super) async fn ensure_admin(&self, settings: &Settings) -> Result<(), Failure> {
        let (Some(email), Some(password)) = (&settings.admin_email, &settings.admin_password) else {
            return Ok(());
        };
        let (store, key) = (self.0.store.clone(), email.clone());
        let found =
            spawned(async move { users::find_by_email(&mut store.read().await?, &key).await }).await?;
        if found.is_some() {
            return Ok(());
        }
        let password = password.expose_secret().to_owned();
        let mut account = self.new_account(email, "Administrator", None, password).await?;
        (account.user.role, account.user.is_verified) = (GlobalRole::Admin, true);
        let candidates = OpenAccount::candidates(email, rand::random());
        let caller = on_behalf(&account, SessionId(self.0.ids.next()), Actor::Server);
        let open = OpenAccount {
            account,
            candidates,
            session: None,
        };
        match self.act(caller, open).await {
            Ok(_) => tracing::info!(email = rules::masked(email), "made the account of admin_email"),
            Err(failure) if is_there(&failure) => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    pub(super) async fn new_account(
        &self,
        email: &str,
        name: &str,
        username: Option<&str>,
        password: String,
    ) -> Result<Account, Failure> {
        let (email, name) = (rules::email(email)?, rules::name(name)?);
        let mut personal = vec![email.as_str(), name.as_str()];
        personal.extend(username);
        check_new(&password, &personal)?;
        let password_hash = self.0.passwords.hash(SecretString::from(password)).await?.into();
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
        })
    }

    fn new_session(
        &self,
        user: UserId,
        device_name: Option<String>,
        from: Origin,
    ) -> Result<(SessionRecord, RefreshToken), Failure> {
        let now = Timestamp(self.0.clock.now_ms());
        let id = SessionId(self.0.ids.next());
        let refresh = RefreshToken::new(id, &mut rand::rng());
        let record = SessionRecord {
            id,
            user,
            device_name: text::optional("device_name", device_name, limits::DEVICE_NAME)?,
            client: from.client,
            address: from.address,
            refresh_hash: hex(&refresh.hash()),
            created_at: now,
            last_seen_at: now,
            expires_at: self.refresh_end(),
            revoked_at: None,
        };
        Ok((record, refresh))
    }

    fn refresh_end(&self) -> Timestamp {
        let lifetime = i64::try_from(self.0.refresh.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.0.clock.now_ms().saturating_add(lifetime))
    }

    fn tokens(
        &self,
        account: &Account,
        session: SessionId,
        refresh: Option<RefreshToken>,
    ) -> Result<Tokens, Failure> {
        let user = account.user.clone();
        let subject = Subject {
            user: user.id,
            session,
            token_version: account.token_version,
            role: user.role,
        };
        let issued = self.0.tokens.issue(&subject, self.0.clock.now_ms())?;
        Ok(Tokens {
            access_token: issued.token,
            token_type: "Bearer".to_owned(),
            expires_in: issued.expires_in,
            refresh_token: refresh.map(|token| token.reveal()),
            user,
        })
    }

    pub(super) async fn act(
        &self,
        caller: Arc<Caller>,
        decide: impl Decide + 'static,
    ) -> Result<super::Reply, Failure> {
        let job = Job::new(caller, None, Work::One(Step::new(Box::new(decide))));
        self.0.lane.submit(Box::new(job)).await
    }
}

pub(super) fn caller(account: &Account, session: SessionId) -> Arc<Caller> {
    let (user, role, personal) = (account.user.public(), account.user.role, account.personal);
    Arc::new(Caller::new(user, session, role, personal))
}

/// A caller who acts on an account's behalf.
pub(super) fn on_behalf(account: &Account, session: SessionId, actor: Actor) -> Arc<Caller> {
    let caller = caller(account, session);
    Arc::new(Caller {
        actor,
        ..(*caller).clone()
    })
}

fn revoked() -> Failure {
    Failure::new(ErrorCode::TokenRevoked, "the session has ended; sign in again")
}

fn inactive() -> Failure {
    Failure::new(ErrorCode::AccountInactive, "the account is deactivated")
}

/// Whether an account was not made because somebody has the address.
fn is_there(failure: &Failure) -> bool {
    failure.code == ErrorCode::Conflict && failure.field.as_deref() == Some("email")
}

/// The account in an answer: of a new one the username may be another candidate.
pub(super) fn made(reply: &super::Reply) -> Result<User, Failure> {
    let read = reply
        .body
        .split_once("\"data\":")
        .and_then(|(_, data)| serde_json::from_str(data).ok());
    read.ok_or_else(|| ops::bug("the new account cannot be read"))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
