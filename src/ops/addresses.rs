//! Addresses: whose they are, which is proved by a code that was mailed there. The engine has checked passwords and codes;
//! a password that is reset by mail is in `resets`, a second sign-up in `second_sign_up`.

use super::admin::{changed, its_own};
use super::codes::{Attempted, Given, end};
use super::letters::{self, About};
use super::notices::{Notice, tell};
use super::sessions::wrong_credentials;
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Login, Needs, Result, conflict};
use crate::domain::account::masked;
use crate::store::codes::Purpose;
use crate::store::users::Account;
use std::sync::Arc;
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Email, ErrorCode};

decided_as_steps!(MailCode, UseCode, ChangeAddress);

/// Mails a new code to the account's address.
pub struct MailCode(pub Purpose);

impl Step for MailCode {
    const NAME: &'static str = "auth.mail_code";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = its_own(act, world)?;
        let user = &account.user;
        if user.is_active && !(self.0 == Purpose::Verify && user.is_verified) {
            if account.password_hash.is_empty() {
                letters::post_several_sign_ups(act, world, &account)?;
            } else {
                letters::post_code(act, world, &account, &user.email, self.0)?;
            }
        }
        Ok("{}".into())
    }
}

/// Uses a code of a sign-up or of a change of address: the address becomes the account's own, and verified.
pub struct UseCode {
    /// What was given.
    pub given: Given,
    /// The address that the code proves.
    pub email: Email,
}

impl Step for UseCode {
    const NAME: &'static str = "auth.verify_email";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        let id = caller.user.id;
        needs.accounts.insert(id);
        needs.logins.insert(Login::email(&self.email));
        needs.codes.extend(Purpose::ALL.map(|purpose| (id, purpose)));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let code = match self.given.examine(act, world) {
            Ok(code) => code,
            Err(refused) => return Attempted::answer(Some(refused)),
        };
        let account = its_own(act, world)?;
        let is_own = Login::email(&account.user.email) == Login::email(&code.email);
        match code.purpose {
            Purpose::Verify if is_own => verify(act, world, account)?,
            Purpose::ChangeEmail => change(act, world, account, &code.email)?,
            Purpose::Verify | Purpose::Reset => return Attempted::answer(Some(ErrorCode::InvalidToken)),
        }
        end(act, world, act.caller.user.id, code.purpose);
        Attempted::answer(None)
    }
}

/// The account's address is verified.
fn verify(act: &Act<'_>, world: &mut World, account: Account) -> Result<()> {
    if account.user.is_verified {
        return Ok(());
    }
    let user = changed(act, account.user, |user| user.is_verified = true);
    world.emit::<events::ProfileUpdated>(act, user.id, &user)?;
    letters::post(act, world, &user, About::Welcome)?;
    world.accounts.put(Account { user, ..account });
    Ok(())
}

/// The account has another address, which is verified. Codes that went to the old one are void.
fn change(act: &Act<'_>, world: &mut World, account: Account, email: &Email) -> Result<()> {
    let id = account.user.id;
    let owner = world.logins.get(&Login::email(email));
    if owner.is_some_and(|owner| owner.id != id) {
        return Err(conflict("this address has an account").at("email"));
    }
    let old = account.user.email.clone();
    let user = changed(act, account.user, |user| {
        user.email = email.clone();
        user.is_verified = true;
    });
    world.emit::<events::ProfileUpdated>(act, id, &user)?;
    let notice = Notice::of_account(
        NotificationType::Security,
        "The e-mail address of your account was changed".to_owned(),
    );
    tell(act, world, id, notice)?;
    letters::post_to(
        act,
        world,
        &user,
        &old,
        About::AddressChanged { to: masked(email) },
    )?;
    let public = user.public();
    world.logins.remove(&Login::email(&old));
    world.logins.insert(Login::email(email), public);
    world.accounts.put(Account { user, ..account });
    end(act, world, id, Purpose::Verify);
    end(act, world, id, Purpose::Reset);
    Ok(())
}

/// Asks the new address of an account for a proof, and tells the old one. A new address that has an account already gets no
/// mail; the answer is the same.
pub struct ChangeAddress {
    /// The new address.
    pub email: Email,
    /// The account's token version when its password was verified. Another version means that the password has changed
    /// since.
    pub verified: i64,
}

impl Step for ChangeAddress {
    const NAME: &'static str = "profile.change_email";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.logins.insert(Login::email(&self.email));
        needs.codes.insert((caller.user.id, Purpose::ChangeEmail));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = its_own(act, world)?;
        if account.token_version != self.verified {
            return Err(wrong_credentials().at("password"));
        }
        let (user, to) = (&account.user, masked(&self.email));
        let message = format!("Another e-mail address was asked for: {to}. It counts once it is verified");
        let notice = Notice::of_account(NotificationType::Security, message);
        tell(act, world, user.id, notice)?;
        letters::post(act, world, user, About::AddressChanging { to })?;
        end(act, world, user.id, Purpose::ChangeEmail);
        let owner = world.logins.get(&Login::email(&self.email));
        if owner.is_none_or(|owner| owner.id == user.id) {
            letters::post_code(act, world, &account, &self.email, Purpose::ChangeEmail)?;
        }
        Ok("{}".into())
    }
}
