//! `POST /v1/auth/verify-email`: proves that an address is its owner's, after a sign-up or for a change of address.

use super::proof::{Proof, refuse};
use super::{Attempt, SignIn, Signed};
use crate::engine::audit::ADDRESS_CHANGED;
use crate::engine::{Engine, Sender};
use crate::ops::DONE;
use crate::ops::addresses::UseCode;
use crate::ops::codes::Attempted;
use crate::store::codes::Purpose;
use taskwire_protocol::account::{Done, VerifyEmail};
use taskwire_protocol::{ErrorCode, Failure};
use tokio::time::Instant;

/// The name in metrics and in the log.
pub(in crate::engine) const NAME: &str = "auth.verify_email";

impl SignIn for VerifyEmail {
    type Output = Done;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of(NAME, self.email.as_deref(), sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let began = Instant::now();
        let proof = Proof::of(self.email, self.code, self.token)?;
        engine.may_try_code(&sender).await?;
        let mut refused = ErrorCode::InvalidToken;
        for meant in engine
            .meant(&proof, &[Purpose::Verify, Purpose::ChangeEmail])
            .await?
        {
            let (caller, given, email) = (meant.caller(), meant.given, meant.email);
            let attempted: Attempted = engine.act(caller.clone(), UseCode { given, email }).await?;
            match attempted.refused {
                None if given.purpose == Purpose::ChangeEmail => {
                    return Ok(Signed::of(DONE).by(caller).named(ADDRESS_CHANGED));
                }
                None => return Ok(Signed::of(DONE).by(caller)),
                Some(code) => refused = code,
            }
        }
        Err(refuse(began, refused).await)
    }
}
