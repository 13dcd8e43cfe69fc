//! `POST /v1/auth/refresh`: exchanges a refresh token for the next pair. A token works once.

use super::tokens::hex;
use super::{Attempt, SignIn, Signed};
use crate::auth::tokens::RefreshToken;
use crate::engine::accounts::caller;
use crate::engine::{Engine, Sender};
use crate::ops::sessions::RotateSession;
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
        let old = RefreshToken::parse(&self.token).map_err(|_| invalid())?;
        let known = engine
            .read_session_now(old.session())
            .await?
            .ok_or_else(invalid)?;
        let (session, account) = (&known.session, &known.account);
        if session.refresh_hash != hex(&old.hash()) {
            return Err(invalid());
        }
        engine.check_alive(session, account)?;
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

fn invalid() -> Failure {
    Failure::new(
        ErrorCode::InvalidToken,
        "the refresh token is not valid; sign in again",
    )
}
