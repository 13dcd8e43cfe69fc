//! Another password, by somebody who knows the one before: a session begins, and all others end. The engine has checked
//! both passwords and hashed the new one.

use super::{all_living, end, living, start, wrong_credentials};
use crate::ops::letters::{self, About};
use crate::ops::notices::{Notice, tell};
use crate::ops::step::{Step, decided_as_steps};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs, Result};
use crate::store::sessions::SessionRecord;
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::UserId;
use taskwire_protocol::notification::NotificationType;

decided_as_steps!(PutPassword);

/// Gives the caller's account another password.
pub struct PutPassword {
    /// The session that begins.
    pub session: SessionRecord,
    /// The account's token version when its password was verified. Another version means that the password has changed
    /// since.
    pub verified: i64,
    /// The new password's hash, a PHC string.
    pub hash: Arc<str>,
}

impl Step for PutPassword {
    const NAME: &'static str = "auth.change_password";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.sessions_of.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = act.caller.user.id;
        living(world, act)?;
        let account = world.accounts.get(user).cloned();
        let account = account
            .filter(|account| account.token_version == self.verified)
            .ok_or_else(|| wrong_credentials().at("current_password"))?;
        let others = all_living(world, user);
        // all others end, so there is room for it
        start(act, world, self.session.clone())?;
        for session in others {
            end(act, world, session)?;
        }
        let about = About::PasswordChanged {
            without_tokens: false,
        };
        letters::post(act, world, &account.user, about)?;
        world.accounts.put(Account {
            password_hash: self.hash.clone(),
            token_version: account.token_version + 1,
            ..account
        });
        tell_of_another_password(act, world, user)?;
        Ok("{}".into())
    }
}

/// Tells the owner that the password was changed: an owner who did not do it has to know.
fn tell_of_another_password(act: &Act<'_>, world: &mut World, user: UserId) -> Result<()> {
    let message = "Your password was changed, and all other devices were signed out".to_owned();
    let notice = Notice::of_account(NotificationType::PasswordChanged, message);
    tell(act, world, user, notice)?;
    Ok(())
}
