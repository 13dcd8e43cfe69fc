//! The owner of an access token, and whether its session is still valid.

use super::accounts::{caller, inactive};
use super::known::Known;
use super::{Caller, Engine};
use crate::auth::tokens::Claims;
use crate::store::sessions::SessionRecord;
use crate::store::users::Account;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::User;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{ErrorCode, Failure, SessionId, StreamId, Timestamp, UserId};

/// The result of authenticating a token.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The owner of the token.
    pub caller: Arc<Caller>,
    /// When the token was made.
    pub issued_at: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// The owner of a token is told this long before it ends.
const NOTICE: Duration = Duration::from_mins(1);

impl Identity {
    /// How long before the token's end its owner is told: at half of its life, or a minute before where that is later. So a
    /// client that renews at once has at least half of a token's life until it is told again.
    pub fn notice(&self) -> Duration {
        let life = self.expires_at.0.saturating_sub(self.issued_at.0).max(0);
        Duration::from_millis((life / 2).unsigned_abs()).min(NOTICE)
    }
}

/// What a socket sends to its user first. Clones share the content, and so do the sockets of a session.
#[derive(Clone)]
pub struct Home(Arc<Known>);

impl Home {
    /// The account.
    pub fn user(&self) -> &User {
        &self.0.account.user
    }

    /// All workspaces of the user, with the user's role in each.
    pub fn workspaces(&self) -> &[Workspace] {
        &self.0.workspaces
    }

    /// The head of a workspace's stream when the memberships were read. A removal up to this position is older than the
    /// membership, however late it arrives.
    pub fn head(&self, stream: StreamId) -> u64 {
        self.0.heads.get(&stream).copied().unwrap_or(0)
    }

    /// The caller, with the account's current role.
    pub fn caller(&self) -> Arc<Caller> {
        self.0.caller.clone()
    }
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Home").field(&self.0.account.user.id).finish()
    }
}

impl Engine {
    /// Verifies an access token and its session, for a socket. What another instance has changed within the last second may
    /// be missing: the socket hears of it, because it follows its user's stream.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Failure> {
        let claims = self.0.tokens.verify(token, self.0.clock.now_ms())?;
        let known = self.living(claims.subject.session, 0).await?;
        belongs(&claims, known.session.user, known.account.token_version)?;
        Ok(Identity {
            caller: known.caller.clone(),
            issued_at: claims.issued_at,
            expires_at: claims.expires_at,
        })
    }

    /// The owner of an access token, as the database has them now: nothing tells an HTTP request that its session ended on
    /// another instance. It asks when its body has arrived, and again before each frame of an array.
    pub async fn owner_now(&self, token: &str) -> Result<Arc<Caller>, Failure> {
        let claims = self.0.tokens.verify(token, self.0.clock.now_ms())?;
        let (caller, token_version) = self.living_now(claims.subject.session).await?;
        belongs(&claims, caller.user.id, token_version)?;
        Ok(caller)
    }

    /// The caller's account and workspaces, complete up to position `seen` of the user's own stream.
    ///
    /// # Errors
    /// The errors of [`Engine::authenticate`], if the session has ended since.
    pub async fn home(&self, caller: &Caller, seen: u64) -> Result<Home, Failure> {
        self.living(caller.session, seen).await.map(Home)
    }

    /// Whether a caller's session has ended, or the account may no longer be used. `false` when that cannot be read.
    pub async fn has_ended(&self, caller: &Caller) -> bool {
        let ends = |code| {
            matches!(
                code,
                ErrorCode::TokenRevoked | ErrorCode::TokenExpired | ErrorCode::AccountInactive
            )
        };
        let living = self.living_now(caller.session).await;
        living.is_err_and(|failure| ends(failure.code))
    }

    /// The caller of a session that has not ended, and the version of the account's tokens, as the database has them now.
    async fn living_now(&self, id: SessionId) -> Result<(Arc<Caller>, i64), Failure> {
        if !self.0.store.is_shared() {
            // this process commits every change, and each one clears the cache
            let known = self.living(id, 0).await?;
            return Ok((known.caller.clone(), known.account.token_version));
        }
        let found = self.0.sessions.read_owner(id).await?;
        let (session, account) = found.ok_or_else(revoked)?;
        self.check_alive(&session, &account)?;
        Ok((caller(&account, session.id), account.token_version))
    }

    /// A session that has not ended, complete up to position `seen` of the user's own stream.
    async fn living(&self, id: SessionId, seen: u64) -> Result<Arc<Known>, Failure> {
        let sessions = &self.0.sessions;
        let known = match sessions.kept(id, seen) {
            Some(known) => known,
            None => sessions.read(id, seen).await?.ok_or_else(revoked)?,
        };
        self.check_alive(&known.session, &known.account)?;
        Ok(known)
    }

    /// A session and its account as the database has them now. No cache and no shared read: a refresh token that was exchanged a moment
    /// ago must not look valid.
    pub(super) async fn read_session_now(
        &self,
        id: SessionId,
    ) -> Result<Option<(SessionRecord, Account)>, Failure> {
        self.0.sessions.read_owner(id).await
    }

    /// Refuses a session that has ended, or whose account is deactivated.
    pub(super) fn check_alive(&self, session: &SessionRecord, account: &Account) -> Result<(), Failure> {
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
}

/// Refuses a token that is of another user than the session, or older than the account's last sign-out everywhere.
fn belongs(claims: &Claims, user: UserId, token_version: i64) -> Result<(), Failure> {
    let subject = &claims.subject;
    if user == subject.user && token_version == subject.token_version {
        return Ok(());
    }
    Err(revoked())
}

fn revoked() -> Failure {
    Failure::new(ErrorCode::TokenRevoked, "the session has ended; sign in again")
}
