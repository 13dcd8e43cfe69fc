//! `POST /v1/auth/resend-verification` and `/forgot-password`: mail a code to the address of an account. The answer is the
//! same, and comes at the same time, whether or not there is such an account: the work is done aside.

use super::{SignIn, Signed};
use crate::auth::limits::{Limit, Who};
use crate::domain::account as rules;
use crate::engine::accounts::caller;
use crate::engine::audit::{Audit, Deed};
use crate::engine::{Engine, Sender};
use crate::ops::DONE;
use crate::ops::addresses::MailCode;
use crate::store::codes::Purpose;
use taskwire_protocol::account::{Done, ForgotPassword, ResendVerification};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{Failure, SessionId};
use tokio::time::Instant;
use uuid::Uuid;

/// The names in metrics and in the log.
pub(in crate::engine) const RESEND: &str = "auth.resend_verification";
pub(in crate::engine) const FORGOT: &str = "auth.forgot_password";

impl SignIn for ResendVerification {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        engine
            .mail_aside(RESEND, &self.email, Purpose::Verify, &sender)
            .await
    }
}

impl SignIn for ForgotPassword {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        engine
            .mail_aside(FORGOT, &self.email, Purpose::Reset, &sender)
            .await
    }
}

impl Engine {
    async fn mail_aside(
        &self,
        name: &'static str,
        email: &str,
        purpose: Purpose,
        sender: &Sender,
    ) -> Result<Signed<Done>, Failure> {
        let email = rules::email(email)?;
        self.may_ask_for_mail(&email, purpose, sender).await?;
        // only the work aside knows whose address it is
        let audit = Audit::of(name, sender, Instant::now());
        self.0
            .aside
            .begin(self.clone().mail_code(email, purpose, audit))?;
        Ok(Signed::of(DONE))
    }

    async fn mail_code(self, email: String, purpose: Purpose, audit: Audit) -> Result<(), Failure> {
        let found = self.find_account(&email).await?;
        audit.write(&Deed {
            user: found.as_ref().map(|account| account.user.id),
            ..Deed::default()
        });
        let Some(account) = found else {
            return Ok(());
        };
        let owner = caller(&account, SessionId(Uuid::nil()));
        let Nothing {} = self.act(owner, MailCode(purpose)).await?;
        Ok(())
    }

    /// Counts a mail that is asked for, for the network that asks and for the address. Both are counted whether or not the
    /// address has an account.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub(super) async fn may_ask_for_mail(
        &self,
        email: &str,
        purpose: Purpose,
        sender: &Sender,
    ) -> Result<(), Failure> {
        let limit = match purpose {
            Purpose::Reset => Limit::Resets,
            Purpose::Verify | Purpose::ChangeEmail => Limit::Codes,
        };
        if let Some(address) = sender.origin.address {
            self.limits().take(Limit::Mails, address).await?;
        }
        self.limits().take(limit, Who::Email(email)).await
    }
}
