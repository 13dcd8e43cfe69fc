//! `auth.login`: begins a session for a user who knows the password.

use super::{Attempt, SignIn, Signed};
use crate::auth::passwords::needs_rehash;
use crate::engine::accounts::{caller, inactive};
use crate::engine::{Engine, Sender};
use crate::ops::sessions::{OpenSession, wrong_credentials};
use secrecy::SecretString;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{LogIn, Tokens};
use taskwire_protocol::operations::Nothing;

impl SignIn for LogIn {
    type Output = Tokens;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of("auth.login", Some(&self.email), sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        let found = engine.find_account(&self.email).await?;
        let password = SecretString::from(self.password.into_exposed());
        let hash = found.as_ref().map(|account| account.password_hash.clone());
        if !engine.passwords().verify(password, hash.as_deref()).await? {
            return Err(wrong_credentials());
        }
        let account = found.ok_or_else(wrong_credentials)?;
        if !account.user.is_active {
            return Err(inactive());
        }
        if needs_rehash(&account.password_hash) {
            tracing::info!(user.id = %account.user.id, "the password's hash has outdated parameters");
        }
        let (session, refresh) = engine.new_session(account.user.id, self.device_name, &sender.origin)?;
        let caller = caller(&account, session.id);
        // the password may have changed while this one was verified
        let verified = account.token_version;
        let open = OpenSession { session, verified };
        let Nothing {} = engine.act(caller.clone(), open).await?;
        engine.tokens(&account, caller.session, &refresh, sender.delivery)
    }
}
