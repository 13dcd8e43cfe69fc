//! Signing out: `auth.logout` ends the caller's session, `auth.revoke_session` one of them, `auth.logout_all` all of them.
//! Their tokens become invalid and their sockets close.

use super::{SignIn, Signed};
use crate::engine::{Engine, Sender, Then};
use crate::ops::sessions::{EndAllSessions, EndSession};
use taskwire_protocol::Failure;
use taskwire_protocol::account::{Done, LogOut, LogOutAll, RevokeSession};

impl SignIn for LogOut {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let caller = sender.caller()?;
        let id = caller.session;
        let signed = Signed::of(engine.act(caller.clone(), EndSession { id }).await?);
        Ok(signed.by(caller).then(Then::EndSession))
    }
}

impl SignIn for LogOutAll {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let caller = sender.caller()?;
        let signed = Signed::of(engine.act(caller.clone(), EndAllSessions).await?);
        Ok(signed.by(caller).then(Then::EndSession))
    }
}

impl SignIn for RevokeSession {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let (caller, id) = (sender.caller()?, self.id);
        let then = if id == caller.session {
            Then::EndSession
        } else {
            Then::Nothing
        };
        let signed = Signed::of(engine.act(caller.clone(), EndSession { id }).await?);
        Ok(signed.by(caller).about(id.0).then(then))
    }
}
