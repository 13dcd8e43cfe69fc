//! The first administrator, whom the link of a server without one makes. The engine has checked the link and the password.
//! Whether there is an administrator is decided here, in one transaction after the other: so the link works once.

use super::accounts::OpenAccount;
use super::profiles::put;
use super::sessions::OpenSession;
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result, not_found};
use std::sync::Arc;
use taskwire_protocol::account::{GlobalRole, User};
use taskwire_protocol::{ErrorCode, Failure, UserId};

decided_as_steps!(OpenFirstAdmin, PromoteFirstAdmin);

const NAME: &str = "auth.first_admin";

/// The link is wrong, or comes too late. The answer does not tell which.
pub fn void() -> Failure {
    let message = "the link is not valid: it is wrong, or there is an administrator already. On the server, \
                   `taskwire admin set-role` makes another one";
    Failure::new(ErrorCode::InvalidToken, message)
}

/// Makes an account that is the first administrator.
pub struct OpenFirstAdmin(pub OpenAccount);

impl Step for OpenFirstAdmin {
    const NAME: &'static str = NAME;

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        Step::needs(&self.0, caller, needs);
        need_to_be_first(self.0.account.user.id, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        check_is_first(self.0.account.user.id, world)?;
        Step::decide(&self.0, act, world)
    }
}

/// Begins a session of an account, and makes the account the first administrator.
pub struct PromoteFirstAdmin(pub OpenSession);

impl Step for PromoteFirstAdmin {
    const NAME: &'static str = NAME;

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        Step::needs(&self.0, caller, needs);
        need_to_be_first(self.0.session.user, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let id = self.0.session.user;
        check_is_first(id, world)?;
        Step::decide(&self.0, act, world)?;
        let account = world.accounts.get(id).cloned();
        let account = account.ok_or_else(|| not_found("account"))?;
        let user = User {
            role: GlobalRole::Admin,
            // the operator gave the link to this person
            is_verified: true,
            ..account.user.clone()
        };
        Ok(put(act, world, account, user)?.encoded())
    }
}

/// Alone in its group, so that the group waits for no stream while it holds others up.
fn need_to_be_first(id: UserId, needs: &mut Needs) {
    needs.founders.insert(id);
    needs.alone = true;
}

fn check_is_first(id: UserId, world: &World) -> Result<()> {
    if world.has_another_administrator(id) {
        return Err(void());
    }
    Ok(())
}
