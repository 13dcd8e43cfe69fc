//! `auth.change_password`: checks both passwords, and then begins a new session with the new one. All others end.

use super::{Attempt, SignIn, Signed};
use crate::auth::limits::Limit;
use crate::auth::passwords::{Asker, check_new};
use crate::engine::{Caller, Engine, NewSession, Sender, Then};
use crate::ops::sessions::{PutPassword, later, wrong_credentials};
use secrecy::SecretString;
use std::time::Duration;
use taskwire_protocol::account::{ChangePassword, Tokens, User};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Failure, Timestamp};

impl SignIn for ChangePassword {
    type Output = Tokens;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of("auth.change_password", None, sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        let caller = sender.caller()?;
        let (old, account) = engine.living_session(caller.session).await?;
        let new = self.new_password.into_exposed();
        check(&new, &account.user)?;
        engine.may_try_password(&caller).await?;
        engine.charge_hashes(&sender, 2);
        let given = SecretString::from(self.current_password.into_exposed());
        let asker = Asker::known(sender.origin.address);
        if !engine
            .passwords()
            .verify(given, Some(&account.password_hash), asker)
            .await?
        {
            return Err(wrong_credentials().at("current_password"));
        }
        let hash = engine
            .passwords()
            .hash(SecretString::from(new), asker)
            .await?
            .into();
        let (mut session, refresh) = engine.new_session(account.user.id, old.device_name, &sender.origin)?;
        session.client = session.client.or(old.client);
        session.address = session.address.or(old.address);
        let (id, device, verified) = (session.id, session.device_name.clone(), account.token_version);
        let put = PutPassword {
            session,
            verified,
            hash,
        };
        let Nothing {} = engine.act(caller, put).await?;
        let mut account = account;
        account.token_version = verified + 1;
        let mut signed = engine.tokens(&account, id, &refresh, sender.delivery)?.on(device);
        if signed.then == Then::Nothing {
            let issued_at = Timestamp(engine.0.clock.now_ms());
            let expires_at = later(issued_at, Duration::from_secs(signed.output.expires_in));
            signed.then = Then::ChangeSession(NewSession {
                id,
                issued_at,
                expires_at,
            });
        }
        Ok(signed)
    }
}

impl Engine {
    /// Counts a try of the caller's current password: the holder of a stolen token guesses.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub(super) async fn may_try_password(&self, caller: &Caller) -> Result<(), Failure> {
        self.limits().take(Limit::Passwords, caller.session).await?;
        self.limits().take(Limit::PasswordsOfUser, caller.user.id).await
    }
}

fn check(new: &str, user: &User) -> Result<(), Failure> {
    let personal = [&*user.email, &*user.name, &*user.username];
    check_new(new, &personal).map_err(|failure| failure.at("new_password"))
}
