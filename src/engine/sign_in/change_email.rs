//! `profile.change_email`: asks for another address. The password is asked again, because a session may be somebody else's
//! by now.

use super::{SignIn, Signed};
use crate::auth::passwords::Asker;
use crate::domain::account as rules;
use crate::engine::{Engine, Sender, spawned};
use crate::ops::addresses::ChangeAddress;
use crate::ops::not_found;
use crate::ops::sessions::wrong_credentials;
use crate::store::codes::Purpose;
use crate::store::users;
use secrecy::SecretString;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{ChangeEmail, Done};

impl SignIn for ChangeEmail {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let caller = sender.caller()?;
        let email = rules::email(&self.new_email).map_err(|failure| failure.at("new_email"))?;
        engine.may_try_password(&caller).await?;
        engine.charge_hashes(&sender, 1);
        engine
            .may_ask_for_mail(&email, Purpose::ChangeEmail, &sender)
            .await?;
        let (store, id) = (engine.0.store.clone(), caller.user.id);
        let found = spawned(async move { users::find(&mut store.read().await?, id).await }).await?;
        let account = found.ok_or_else(|| not_found("account"))?;
        let password = SecretString::from(self.password.into_exposed());
        let asker = Asker::known(sender.origin.address);
        if !engine
            .passwords()
            .verify(password, Some(&account.password_hash), asker)
            .await?
        {
            return Err(wrong_credentials().at("password"));
        }
        let step = ChangeAddress {
            email: email.into(),
            verified: account.token_version,
        };
        Ok(Signed::of(engine.act(caller.clone(), step).await?).by(caller))
    }
}
