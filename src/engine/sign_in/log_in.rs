//! `auth.login`: begins a session for a user who knows the password. Addresses without an account get the same answers
//! after the same work as those with one.

use super::tokens::device_name;
use super::verify_first::verify_first;
use super::{Attempt, SignIn, Signed};
use crate::auth::limits::{Device, Outcome};
use crate::auth::passwords::{Asker, needs_rehash};
use crate::engine::accounts::{caller, inactive};
use crate::engine::{Engine, Sender};
use crate::ops::sessions::{OpenSession, Rehash, wrong_credentials};
use crate::store::users::Account;
use secrecy::SecretString;
use taskwire_protocol::account::{LogIn, Tokens};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, Secret};

impl SignIn for LogIn {
    type Output = Tokens;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of("auth.login", Some(&self.email), sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        // before the password: a refusal must not tell whether that is right
        let device_name = device_name(self.device_name)?;
        let address = sender.origin.address;
        // before the account is looked up: who may not sign in now costs no read
        let entered = engine.limits().enter(address).await?;
        engine.charge_hashes(&sender, 1);
        let found = engine.find_account(&self.email).await?;
        let user = found.as_ref().map(|account| account.user.id);
        let brought = self.refresh_token.map(Secret::into_exposed);
        let device = engine.device(user, address, brought.as_deref()).await?;
        let trial = engine
            .limits()
            .begin_sign_in(entered, &self.email, device)
            .await?;
        let password = SecretString::from(self.password.into_exposed());
        let asker = Asker::of(device, address);
        let checked = engine.check_password(found, password, asker).await;
        trial.end(outcome(&checked)).await;
        let (account, rehash) = checked?;
        let (session, refresh) = engine.new_session(account.user.id, device_name, &sender.origin)?;
        let (caller, name) = (caller(&account, session.id), session.device_name.clone());
        let open = OpenSession {
            session,
            // the password may have changed while this one was verified
            verified: account.token_version,
            new_device: device == Device::Stranger,
            rehash,
        };
        let Nothing {} = engine.act(caller.clone(), open).await?;
        let tokens = engine.tokens(&account, caller.session, &refresh, sender.delivery)?;
        Ok(tokens.on(name))
    }
}

impl Engine {
    /// The account, if it may be used and the password is right, and the new hash if the old one is outdated.
    pub(super) async fn check_password(
        &self,
        found: Option<Account>,
        password: SecretString,
        asker: Asker,
    ) -> Result<(Account, Option<Rehash>), Failure> {
        let stored = found.as_ref().map(|account| account.password_hash.clone());
        let passwords = self.passwords();
        if !passwords
            .verify(password.clone(), stored.as_deref(), asker)
            .await?
        {
            return Err(wrong_credentials());
        }
        let account = found.ok_or_else(wrong_credentials)?;
        if !account.user.is_active {
            return Err(inactive());
        }
        if self.verifies_first() && !account.user.is_verified {
            return Err(verify_first());
        }
        let mut rehash = None;
        if needs_rehash(&account.password_hash) {
            // a busy server does it at another sign-in
            rehash = passwords.hash(password, asker).await.ok().map(|to| Rehash {
                from: account.password_hash.clone(),
                to: to.into(),
            });
        }
        Ok((account, rehash))
    }
}

/// What a sign-in means for the account's failures.
pub(super) fn outcome<T>(checked: &Result<T, Failure>) -> Outcome {
    match checked {
        Ok(_) => Outcome::Succeeded,
        Err(failure) if failure.code == ErrorCode::InvalidCredentials => Outcome::Failed,
        Err(_) => Outcome::Undecided,
    }
}
