//! A password that its owner forgot, and sets by a code of a mail. The engine has checked the code and hashed the password.

use super::admin::{changed, its_own};
use super::codes::{self, Attempted, Given};
use super::letters::{self, About};
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Login, Needs, Result, access, sessions};
use crate::store::codes::Purpose;
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::ErrorCode;
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;

decided_as_steps!(ResetByCode);

/// Uses a code of a reset: the account gets another password, and every session ends. The code proves that the caller
/// reads the mail of the address, so the address counts as verified. If nobody had proved that before, a stranger may
/// have signed up with it: then everything else that gives access ends too.
pub struct ResetByCode {
    /// What was given.
    pub given: Given,
    /// The new password's hash, a PHC string.
    pub hash: Arc<str>,
}

impl Step for ResetByCode {
    const NAME: &'static str = "auth.reset_password";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        let id = caller.user.id;
        needs.accounts.insert(id);
        access::need(id, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let code = match self.given.examine(act, world) {
            Ok(code) => code,
            Err(refused) => return Attempted::answer(Some(refused)),
        };
        let account = its_own(act, world)?;
        let is_own = Login::email(&account.user.email) == Login::email(&code.email);
        if !is_own || !account.user.is_active || code.purpose != Purpose::Reset {
            return Attempted::answer(Some(ErrorCode::InvalidToken));
        }
        let without_tokens = !account.user.is_verified;
        let user = changed(act, account.user, |user| user.is_verified = true);
        world.emit::<events::ProfileUpdated>(act, user.id, &user)?;
        let message = if without_tokens {
            access::end(act, world, user.id)?;
            "Your password was reset by mail. Every device was signed out, and all API tokens ended."
        } else {
            codes::end_all(act, world, user.id);
            for session in sessions::all_living(world, user.id) {
                sessions::end(act, world, session)?;
            }
            "Your password was reset by mail. Every device was signed out."
        };
        tell(
            act,
            world,
            user.id,
            Notice::of_account(NotificationType::PasswordChanged, message.to_owned()),
        )?;
        letters::post(act, world, &user, About::PasswordChanged { without_tokens })?;
        world.accounts.put(Account {
            user,
            password_hash: self.hash.clone(),
            token_version: account.token_version + 1,
            ..account
        });
        Attempted::answer(None)
    }
}
