//! `POST /v1/auth/first-admin`: the holder of the link that a node makes becomes the first administrator, with a
//! new account or with one that they have. The password is hashed only for a right link that may still work; whether it
//! does is decided by the step that uses it (`ops/first_admin`).

use super::log_in::outcome;
use super::{Attempt, SignIn, Signed};
use crate::auth::limits::{Device, Entered};
use crate::auth::passwords::Asker;
use crate::engine::accounts::{caller, check_fields};
use crate::engine::{Engine, Sender, spawned};
use crate::ops::accounts::OpenAccount;
use crate::ops::first_admin::{OpenFirstAdmin, PromoteFirstAdmin, void};
use crate::ops::sessions::OpenSession;
use crate::store::users::{self, Account};
use secrecy::SecretString;
use taskwire_protocol::account::{BecomeFirstAdmin, GlobalRole, Tokens};
use taskwire_protocol::{ErrorCode, Failure};

/// The name in metrics and in the log.
pub(in crate::engine) const NAME: &str = "auth.first_admin";

impl SignIn for BecomeFirstAdmin {
    type Output = Tokens;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of(NAME, Some(&self.email), sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Tokens>, Failure> {
        engine.may_try_code(&sender).await?;
        let is_right = engine.0.first_admin.is_token(self.token.expose());
        if !is_right || engine.has_administrator().await? {
            return Err(void());
        }
        engine.charge_hashes(&sender, 1);
        match engine.find_account(&self.email).await? {
            Some(account) => engine.promote_first_admin(self, account, &sender).await,
            None => engine.open_first_admin(self, &sender).await,
        }
    }
}

impl Engine {
    /// The token of the link that makes the first administrator; `None` if there is an administrator.
    pub async fn first_admin_token(&self) -> Result<Option<&SecretString>, Failure> {
        if self.has_administrator().await? {
            return Ok(None);
        }
        Ok(self.0.first_admin.token())
    }

    async fn has_administrator(&self) -> Result<bool, Failure> {
        let store = self.0.store.clone();
        spawned(async move { users::has_administrator(&mut store.read().await?).await }).await
    }

    async fn open_first_admin(
        &self,
        asked: BecomeFirstAdmin,
        sender: &Sender,
    ) -> Result<Signed<Tokens>, Failure> {
        let missing = || {
            Failure::invalid(
                "name",
                "name is missing: there is no account with this address yet",
            )
        };
        let name = asked.name.ok_or_else(missing)?;
        check_fields(&asked.email, &name, None, asked.password.expose())?;
        let mut account = self
            .new_account(
                &asked.email,
                &name,
                None,
                asked.password.into_exposed(),
                Asker::stranger(sender.origin.address),
            )
            .await?;
        (account.user.role, account.user.is_verified) = (GlobalRole::Admin, true);
        let (session, refresh) = self.new_session(account.user.id, asked.device_name, &sender.origin)?;
        let (caller, device_name) = (caller(&account, session.id), session.device_name.clone());
        let open = OpenFirstAdmin(OpenAccount {
            account: account.clone(),
            candidates: OpenAccount::candidates(&account.user.email, rand::random()),
            session: Some(session),
            code: None,
        });
        // the step may have chosen another candidate as the username
        account.user = self.act(caller.clone(), open).await?;
        let tokens = self.tokens(&account, caller.session, &refresh, sender.delivery)?;
        Ok(tokens.on(device_name))
    }

    async fn promote_first_admin(
        &self,
        asked: BecomeFirstAdmin,
        account: Account,
        sender: &Sender,
    ) -> Result<Signed<Tokens>, Failure> {
        let device = self
            .device(Some(account.user.id), sender.origin.address, None)
            .await?;
        // this try counts for the network already
        let trial = self
            .limits()
            .begin_sign_in(Entered::default(), &asked.email, device)
            .await?;
        let password = SecretString::from(asked.password.into_exposed());
        let checked = self
            .check_password(Some(account), password, Asker::of(device, sender.origin.address))
            .await;
        trial.end(outcome(&checked)).await;
        let (mut account, rehash) = checked.map_err(|failure| match failure.code {
            ErrorCode::InvalidCredentials => another_password(),
            _ => failure,
        })?;
        let (session, refresh) = self.new_session(account.user.id, asked.device_name, &sender.origin)?;
        let (caller, device_name) = (caller(&account, session.id), session.device_name.clone());
        let promote = PromoteFirstAdmin(OpenSession {
            session,
            verified: account.token_version,
            new_device: device == Device::Stranger,
            rehash,
        });
        account.user = self.act(caller.clone(), promote).await?;
        let tokens = self.tokens(&account, caller.session, &refresh, sender.delivery)?;
        Ok(tokens.on(device_name))
    }
}

fn another_password() -> Failure {
    let message = "there is an account with this address, and this is not its password: give that one, or another address";
    Failure::new(ErrorCode::InvalidCredentials, message).at("password")
}
