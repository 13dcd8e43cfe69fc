//! `auth.logout`: ends the caller's session. Its tokens become invalid and its sockets close.

use super::{SignIn, Signed};
use crate::engine::{Engine, Sender, Then};
use crate::ops::sessions::EndSession;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{Done, LogOut};

impl SignIn for LogOut {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        Ok(Signed {
            output: engine.act(sender.caller()?, EndSession).await?,
            then: Then::EndSession,
        })
    }
}
