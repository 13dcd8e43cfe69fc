//! `profile.delete`: deletes the caller's account. The password is asked again, because a session may be somebody
//! else's by now. The rule is in `ops/deletion`.

use super::{Attempt, SignIn, Signed};
use crate::auth::passwords::Asker;
use crate::engine::{Engine, Sender, Then};
use crate::ops::deletion::DeleteAccount;
use crate::ops::sessions::wrong_credentials;
use secrecy::SecretString;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{DeleteProfile, Done};

impl SignIn for DeleteProfile {
    type Output = Done;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of("profile.delete", None, sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let caller = sender.caller()?;
        let (_, account) = engine.living_session(caller.session).await?;
        engine.may_try_password(&caller).await?;
        engine.charge_hashes(&sender, 1);
        let given = SecretString::from(self.password.into_exposed());
        let asker = Asker::known(sender.origin.address);
        if !engine
            .passwords()
            .verify(given, Some(&account.password_hash), asker)
            .await?
        {
            return Err(wrong_credentials().at("password"));
        }
        let verified = account.token_version;
        let signed = Signed::of(engine.act(caller.clone(), DeleteAccount { verified }).await?);
        Ok(signed.by(caller).then(Then::EndSession))
    }
}
