//! A sign-up with an address that has an account, where addresses are verified first: nobody is told but the owner of the
//! address.

use super::accounts::username_taken;
use super::admin::its_own;
use super::codes;
use super::letters::{self, About};
use super::sessions::all_living;
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Login, Needs, Result};
use crate::store::codes::Purpose;
use crate::store::users::Account;
use std::sync::Arc;

decided_as_steps!(SignUpAgain);

/// Tells the owner of an address that somebody signed up with it. If nobody has verified the address and nobody is signed
/// in, one of the two who signed up may be a stranger, and nobody knows which. So neither password counts: the
/// reader of the mail chooses one.
pub struct SignUpAgain {
    /// The username that was asked for. A taken one is refused, as it is in a sign-up with an address without account.
    pub username: Option<String>,
    /// Whether the address may get one more mail. Else nothing changes, so that the code of the last mail stays good.
    pub mails: bool,
}

impl Step for SignUpAgain {
    const NAME: &'static str = "auth.sign_up_again";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        let id = caller.user.id;
        needs.accounts.insert(id);
        needs.sessions_of.insert(id);
        needs.codes.extend(Purpose::ALL.map(|purpose| (id, purpose)));
        needs.logins.extend(self.username.as_deref().map(Login::username));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let wanted = self.username.as_deref().map(Login::username);
        if wanted.is_some_and(|wanted| world.logins.contains_key(&wanted)) {
            return Err(username_taken());
        }
        if !self.mails {
            return Ok("{}".into());
        }
        let account = its_own(act, world)?;
        let user = &account.user;
        if !user.is_active || user.is_verified || !all_living(world, user.id).is_empty() {
            letters::post(act, world, user, About::HasAccount)?;
            return Ok("{}".into());
        }
        let account = Account {
            password_hash: "".into(),
            token_version: account.token_version + 1,
            ..account
        };
        codes::end_all(act, world, account.user.id);
        letters::post_several_sign_ups(act, world, &account)?;
        world.accounts.put(account);
        Ok("{}".into())
    }
}
