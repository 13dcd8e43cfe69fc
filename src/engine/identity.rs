//! The owner of an access token or an API token, and whether it is still valid.

use super::accounts::inactive;
use super::bearer::{Bearer, Credential, Ends, NEVER};
use super::known::Known;
use super::seen_tokens::Owner;
use super::{Caller, Engine};
use crate::auth::api_tokens;
use crate::auth::limits::Who;
use crate::auth::refresh::RefreshToken;
use crate::auth::tokens::Claims;
use crate::store::sessions::SessionRecord;
use crate::store::users::Account;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::User;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{ErrorCode, Failure, SessionId, StreamId, Timestamp};

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

    /// All workspaces of the user that the caller reaches, with the user's role in each.
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

/// A token, read and not compared with the database yet.
enum Shown {
    Access(Claims),
    Api(Credential),
}

impl Shown {
    fn credential(&self) -> Credential {
        match self {
            Shown::Access(claims) => Credential::Session(claims.subject.session),
            Shown::Api(credential) => credential.clone(),
        }
    }

    /// Refuses an access token that is of another user than the session, or older than the account's last sign-out
    /// everywhere. API tokens outlive a sign-out.
    fn belongs_to(&self, account: &Account) -> Result<(), Failure> {
        match self {
            Shown::Access(Claims { subject, .. })
                if account.user.id != subject.user || account.token_version != subject.token_version =>
            {
                Err(self.credential().ended())
            }
            Shown::Access(_) | Shown::Api(_) => Ok(()),
        }
    }

    fn identity(&self, known: &Known) -> Identity {
        let (issued_at, expires_at) = match (self, &known.bearer) {
            (Shown::Access(claims), _) => (claims.issued_at, claims.expires_at),
            (_, Bearer::ApiToken(token)) => (token.created_at, token.expires_at.unwrap_or(NEVER)),
            (_, Bearer::Session(session)) => (session.created_at, session.expires_at),
        };
        let caller = known.caller.clone();
        Identity {
            caller,
            issued_at,
            expires_at,
        }
    }
}

impl Engine {
    fn read_token(&self, token: &str) -> Result<Shown, Failure> {
        if let Some(hash) = api_tokens::read(token)? {
            let credential = Credential::ApiToken(hash.hex().into());
            if self.0.sessions.api_tokens.is_unknown(&credential) {
                return Err(credential.ended());
            }
            return Ok(Shown::Api(credential));
        }
        let claims = self.0.tokens.verify(token, self.0.clock.now_ms())?;
        let shown = Shown::Access(claims);
        if self.0.sessions.is_known_to_have_ended(claims.subject.session) {
            return Err(shown.credential().ended());
        }
        Ok(shown)
    }

    /// Whether this is the form of a token, as far as that can be told without a read: the signature of an access token, the
    /// checksum of an API token.
    pub fn is_token(&self, token: &str) -> bool {
        self.read_token(token).is_ok()
    }

    /// Verifies a token and its session, for a socket. What another instance has changed within the last second may be
    /// missing: the socket hears of it, because it follows its user's stream.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Failure> {
        let shown = self.read_token(token)?;
        let known = self.living(&shown.credential(), 0).await?;
        shown.belongs_to(&known.account)?;
        self.note_use(&known.caller);
        self.note_session(&known.bearer);
        Ok(shown.identity(&known))
    }

    /// The owner of a token, as the database has them now: nothing tells an HTTP request that its session ended on
    /// another instance. It asks when its body has arrived, and again before each frame of an array.
    pub async fn owner_now(&self, token: &str) -> Result<Arc<Caller>, Failure> {
        let shown = self.read_token(token)?;
        self.living_now(shown.credential(), |account| shown.belongs_to(account))
            .await
    }

    /// Whose token this is, as far as memory tells: what they ask for counts for them, wherever they are. Whether the session
    /// still lives is not asked, so nobody gets anything by it. `None`: nobody's, or an API token that this instance did not
    /// see for a while.
    ///
    /// An access token that has expired counts apart, and its user does not pay: whoever finds an old one must not use up what
    /// its session may ask, nor its user's purse.
    pub fn owner_at_hand(&self, token: &str) -> Option<Owner> {
        match self.read_token(token) {
            Ok(Shown::Access(Claims { subject, .. })) => Some(Owner {
                user: Some(subject.user),
                by: subject.session.into(),
            }),
            Ok(Shown::Api(credential)) => self.0.sessions.owner_of(&credential, self.0.clock.now_ms()),
            Err(failure) if failure.code == ErrorCode::TokenExpired => {
                let session = self.0.tokens.subject(token)?.session;
                self.session_alone(session, Who::Expired(session))
            }
            Err(_) => None,
        }
    }

    /// The same of a refresh token that this server made. Memory knows its session, and not its user.
    pub fn session_at_hand(&self, refresh_token: &str) -> Option<Owner> {
        let token = RefreshToken::parse(refresh_token).ok()?;
        let session = token.session();
        let is_ours = self.0.refresh_tokens.made(&token);
        is_ours
            .then(|| self.session_alone(session, session.into()))
            .flatten()
    }

    /// Requests that count for a session, if it is not known to have ended. Its user does not pay them.
    fn session_alone(&self, session: SessionId, by: Who<'static>) -> Option<Owner> {
        let ended = self.0.sessions.is_known_to_have_ended(session);
        (!ended).then_some(Owner { user: None, by })
    }

    /// The caller's account and workspaces, complete up to position `seen` of the user's own stream.
    ///
    /// # Errors
    /// The errors of [`Engine::authenticate`], if the session has ended since.
    pub async fn home(&self, caller: &Caller, seen: u64) -> Result<Home, Failure> {
        self.living(&Credential::of(caller), seen).await.map(Home)
    }

    /// Whether a caller's session has ended, or the account may no longer be used. `false` when that cannot be read.
    pub async fn has_ended(&self, caller: &Caller) -> bool {
        let ends = |code| {
            matches!(
                code,
                ErrorCode::TokenRevoked | ErrorCode::TokenExpired | ErrorCode::AccountInactive
            )
        };
        let living = self.check_session(caller).await;
        living.is_err_and(|failure| ends(failure.code))
    }

    /// Refuses a caller whose session has ended, or whose account may no longer be used.
    pub(super) async fn check_session(&self, caller: &Caller) -> Result<(), Failure> {
        let living = self.living_now(Credential::of(caller), |_| Ok(())).await;
        living.map(drop)
    }

    /// The caller of a session that has not ended, as the database has it now. `check` sees the account.
    async fn living_now(
        &self,
        by: Credential,
        check: impl FnOnce(&Account) -> Result<(), Failure>,
    ) -> Result<Arc<Caller>, Failure> {
        if !self.0.store.is_shared() {
            // this process commits every change, and each one clears the cache
            let known = self.living(&by, 0).await?;
            check(&known.account)?;
            self.note_session(&known.bearer);
            return Ok(known.caller.clone());
        }
        let found = self.0.sessions.read_owner(by.clone()).await?;
        let (bearer, account) = found.ok_or_else(|| by.ended())?;
        self.check_alive(&bearer, &account)?;
        check(&account)?;
        self.note_session(&bearer);
        Ok(bearer.caller(&account))
    }

    /// A session that has not ended, complete up to position `seen` of the user's own stream.
    async fn living(&self, by: &Credential, seen: u64) -> Result<Arc<Known>, Failure> {
        let sessions = &self.0.sessions;
        let known = match sessions.kept(by, seen) {
            Some(known) => known,
            None => sessions.read(by, seen).await?.ok_or_else(|| by.ended())?,
        };
        self.check_alive(&known.bearer, &known.account)?;
        Ok(known)
    }

    /// A session that has not ended, and its account, as the database has them now.
    pub(super) async fn living_session(&self, id: SessionId) -> Result<(SessionRecord, Account), Failure> {
        let found = self.read_session_now(id).await?;
        let (session, account) = found.ok_or_else(|| Credential::Session(id).ended())?;
        self.check_alive(&session, &account)?;
        Ok((session, account))
    }

    /// A session and its account as the database has them now. No cache and no shared read: a refresh token that was
    /// exchanged a moment ago must not look valid.
    pub(super) async fn read_session_now(
        &self,
        id: SessionId,
    ) -> Result<Option<(SessionRecord, Account)>, Failure> {
        let found = self.0.sessions.read_owner(Credential::Session(id)).await?;
        Ok(found.and_then(|(bearer, account)| Some((bearer.into_session()?, account))))
    }

    /// Refuses a session that has ended, or whose account is deactivated.
    pub(super) fn check_alive(&self, session: &impl Ends, account: &Account) -> Result<(), Failure> {
        session.check_alive(self.0.clock.now_ms())?;
        if account.user.is_active {
            Ok(())
        } else {
            Err(inactive())
        }
    }
}
