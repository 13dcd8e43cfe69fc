//! `POST /v1/auth/refresh`: exchanges a refresh token for the next pair. The rule is in `ops/sessions/rotate`: a client
//! that repeats the token that was just exchanged gets the same next one; an older token of ours ends its session. One
//! that somebody made up changes nothing: session ids are no secret.

use super::tokens::hex;
use super::{Attempt, SignIn, Signed};
use crate::auth::limits::units;
use crate::auth::refresh::RefreshToken;
use crate::auth::successor;
use crate::engine::accounts::caller;
use crate::engine::audit::{Audit, Deed, REFRESH_REUSED};
use crate::engine::{Caller, Engine, Sender};
use crate::ops::bug;
use crate::ops::sessions::{RotateSession, Rotation, Successor};
use crate::store::sessions::SessionRecord;
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::account::Tokens;
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::Instant;

/// The exchange of a refresh token.
pub struct Refresh {
    /// The token as the client sent it.
    pub token: String,
}

impl Refresh {
    /// The operation's name in metrics and in the log.
    pub(in crate::engine) const NAME: &'static str = "auth.refresh";
}

impl SignIn for Refresh {
    type Output = Tokens;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of(Refresh::NAME, None, sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        let audit = Audit::of(Refresh::NAME, &sender, Instant::now());
        let Presented {
            token,
            session,
            account,
            is_ours,
            ..
        } = engine.presented(&self.token).await?;
        let limits = &engine.0.limits;
        limits.owe(&limits.user(account.user.id), 1 + units::TOKEN);
        let next = engine.0.refresh_tokens.issue(session.id, &mut rand::rng());
        let sealed = successor::seal(&token, &next).ok_or_else(|| bug("a token cannot be sealed"))?;
        let rotate = RotateSession {
            presented: hex(&token.hash()),
            is_ours,
            successor: Successor {
                hash: hex(&next.hash()),
                sealed,
            },
            idle: engine.0.idle_session,
            longest: engine.0.longest_session,
        };
        let next = match engine.act(caller(&account, session.id), rotate).await? {
            Rotation::Replaced => next,
            Rotation::Repeated(sealed, hash) => engine.opened(&token, &sealed, &hash)?,
            Rotation::Reused => {
                let owner = caller(&account, session.id);
                audit.named(REFRESH_REUSED).write(&Deed::of(&owner));
                tracing::warn!(
                    user.id = %account.user.id,
                    session.id = %session.id,
                    "a refresh token was used again after it was replaced; its session was ended"
                );
                let message =
                    "this refresh token was replaced before; its session was ended, so sign in again";
                return Err(Failure::new(ErrorCode::TokenRevoked, message));
            }
        };
        let tokens = engine.tokens(&account, session.id, &next, sender.delivery)?;
        Ok(tokens.on(session.device_name))
    }
}

/// A refresh token of a session that has not ended.
struct Presented {
    token: RefreshToken,
    session: SessionRecord,
    account: Account,
    /// The server made it, at some time.
    is_ours: bool,
    /// It is the newest of its session, or was until the last exchange.
    is_recent: bool,
}

impl Engine {
    /// Whose refresh token this is. It is not used up.
    ///
    /// # Errors
    /// When its session has ended, or it is older than the one before the newest.
    pub async fn owner_of_refresh_token(&self, token: &str) -> Result<Arc<Caller>, Failure> {
        let presented = self.presented(token).await?;
        if presented.is_recent {
            Ok(caller(&presented.account, presented.session.id))
        } else {
            Err(invalid())
        }
    }

    /// The session of a refresh token that was made by us.
    async fn presented(&self, token: &str) -> Result<Presented, Failure> {
        let token = RefreshToken::parse(token).map_err(|_| invalid())?;
        let found = self.read_session_now(token.session()).await?;
        let (session, account) = found.ok_or_else(invalid)?;
        let hash = hex(&token.hash());
        let parent = session.family.parent.as_ref();
        let is_recent = session.family.newest == hash || parent.is_some_and(|parent| parent.hash == hash);
        let is_ours = self.0.refresh_tokens.made(&token);
        if !is_recent && !is_ours {
            return Err(invalid());
        }
        self.check_alive(&session, &account)?;
        Ok(Presented {
            token,
            session,
            account,
            is_ours,
            is_recent,
        })
    }

    /// The successor of a token that is repeated.
    fn opened(&self, token: &RefreshToken, sealed: &str, hash: &str) -> Result<RefreshToken, Failure> {
        let secret = successor::open(token, sealed).ok_or_else(|| bug("a sealed token cannot be opened"))?;
        let next = self.0.refresh_tokens.tagged(token.session(), secret);
        // an older version of the server, which knows no successors, may have exchanged it meanwhile
        if hex(&next.hash()) == hash {
            Ok(next)
        } else {
            Err(invalid())
        }
    }
}

fn invalid() -> Failure {
    Failure::new(
        ErrorCode::InvalidToken,
        "the refresh token is not valid; sign in again",
    )
}
