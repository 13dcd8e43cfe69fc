//! `POST /v1/auth/reset-password`: sets a new password with the code or link of a mail. The password is hashed only for a
//! right code, and before the step that uses it.

use super::proof::{Meant, Proof, refuse};
use super::{Attempt, SignIn, Signed};
use crate::auth::passwords::{Asker, check_new};
use crate::engine::{Engine, Sender};
use crate::ops::DONE;
use crate::ops::codes::Attempted;
use crate::ops::resets::ResetByCode;
use crate::store::codes::Purpose;
use secrecy::SecretString;
use std::sync::Arc;
use taskwire_protocol::account::{Done, ResetPassword};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::Instant;

/// The name in metrics and in the log.
pub(in crate::engine) const NAME: &str = "auth.reset_password";

impl SignIn for ResetPassword {
    type Output = Done;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of(NAME, self.email.as_deref(), sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let began = Instant::now();
        let proof = Proof::of(self.email, self.code, self.token)?;
        let new = self.new_password.into_exposed();
        let known: Vec<&str> = proof.email().into_iter().collect();
        check_new(&new, &known).map_err(|failure| failure.at("new_password"))?;
        engine.may_try_code(&sender).await?;
        let asker = Asker::stranger(sender.origin.address);
        let mut refused = ErrorCode::InvalidToken;
        for meant in engine.meant(&proof, &[Purpose::Reset]).await? {
            let hash = if meant.given.is_right {
                engine.charge_hashes(&sender, 1);
                engine.hash_for(&meant, &new, asker).await?
            } else {
                Arc::from("") // it is not used: a wrong code only counts
            };
            let (caller, given) = (meant.caller(), meant.given);
            let attempted: Attempted = engine.act(caller.clone(), ResetByCode { given, hash }).await?;
            match attempted.refused {
                None => {
                    // failures of strangers must not keep the owner out now
                    engine.limits().unlock(&meant.account.user.email).await;
                    return Ok(Signed::of(DONE).by(caller));
                }
                Some(code) => refused = code,
            }
        }
        Err(refuse(began, refused).await)
    }
}

impl Engine {
    /// The hash of a new password, which must be none that others would guess of this account.
    async fn hash_for(&self, meant: &Meant, new: &str, asker: Asker) -> Result<Arc<str>, Failure> {
        let user = &meant.account.user;
        check_new(new, &[&*user.email, &*user.name, &*user.username])
            .map_err(|failure| failure.at("new_password"))?;
        let hash = self.passwords().hash(SecretString::from(new), asker).await?;
        Ok(hash.into())
    }
}
