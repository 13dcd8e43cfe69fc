//! `POST /v1/auth/refresh`: exchanges a refresh token for the next pair. A token works once.

use super::tokens::hex;
use super::{Attempt, SignIn, Signed};
use crate::auth::tokens::RefreshToken;
use crate::engine::accounts::caller;
use crate::engine::known::Known;
use crate::engine::{Caller, Engine, Sender};
use crate::ops::sessions::RotateSession;
use std::sync::Arc;
use taskwire_protocol::account::Tokens;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure};

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
        let known = engine.refreshable(&self.token).await?;
        let (session, account) = (&known.session, &known.account);
        let new = RefreshToken::new(session.id, &mut rand::rng());
        let rotate = RotateSession {
            from: session.refresh_hash.clone(),
            to: hex(&new.hash()),
            expires_at: engine.refresh_end(),
        };
        let Nothing {} = engine.act(caller(account, session.id), rotate).await?;
        engine.tokens(account, session.id, &new, sender.delivery)
    }
}

impl Engine {
    /// Whose refresh token this is. It is not used up.
    ///
    /// # Errors
    /// When it cannot be exchanged: it is not the newest of its session, or the session has ended.
    pub async fn owner_of_refresh_token(&self, token: &str) -> Result<Arc<Caller>, Failure> {
        let known = self.refreshable(token).await?;
        Ok(known.caller.clone())
    }

    /// The session of a refresh token that can be exchanged.
    async fn refreshable(&self, token: &str) -> Result<Arc<Known>, Failure> {
        let token = RefreshToken::parse(token).map_err(|_| invalid())?;
        let known = self
            .read_session_now(token.session())
            .await?
            .ok_or_else(invalid)?;
        if known.session.refresh_hash != hex(&token.hash()) {
            return Err(invalid());
        }
        self.check_alive(&known.session, &known.account)?;
        Ok(known)
    }
}

fn invalid() -> Failure {
    Failure::new(
        ErrorCode::InvalidToken,
        "the refresh token is not valid; sign in again",
    )
}
