//! Signing out: ends one session of the caller, or all of them.

use super::{all_living, device_of, end, living};
use crate::ops::notices::{Notice, tell};
use crate::ops::step::{Step, decided_as_steps};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs, Result, codes, not_found};
use crate::store::codes::Purpose;
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::SessionId;
use taskwire_protocol::notification::NotificationType;

decided_as_steps!(EndSession, EndAllSessions);

/// Ends a session of the caller. One that has ended already stays as it is. With another one than the caller's own, a
/// change of address that waits for its code ends too.
pub struct EndSession {
    /// The session.
    pub id: SessionId,
}

impl Step for EndSession {
    const NAME: &'static str = "auth.logout";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(self.id);
        needs.codes.insert((caller.user.id, Purpose::ChangeEmail));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let session = world.sessions.get(self.id).cloned();
        let session = session
            .filter(|session| session.user == act.caller.user.id)
            .ok_or_else(|| not_found("session"))?;
        if session.revoked_at.is_none() {
            let message = format!("Signed out on {}", device_of(&session).unwrap_or("a device"));
            end(act, world, session)?;
            if self.id != act.caller.session {
                // the holder of that session may have asked for another address
                codes::end(act, world, act.caller.user.id, Purpose::ChangeEmail);
            }
            let notice = Notice::of_account(NotificationType::Logout, message);
            tell(act, world, act.caller.user.id, notice)?;
        }
        Ok("{}".into())
    }
}

/// Ends every session of the caller, and makes every access token invalid.
pub struct EndAllSessions;

impl Step for EndAllSessions {
    const NAME: &'static str = "auth.logout_all";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.sessions_of.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = act.caller.user.id;
        living(world, act)?;
        let account = world
            .accounts
            .get(user)
            .cloned()
            .ok_or_else(|| not_found("account"))?;
        for session in all_living(world, user) {
            end(act, world, session)?;
        }
        world.accounts.put(Account {
            token_version: account.token_version + 1,
            ..account
        });
        let notice = Notice::of_account(NotificationType::Logout, "Signed out on all devices".to_owned());
        tell(act, world, user, notice)?;
        Ok("{}".into())
    }
}
