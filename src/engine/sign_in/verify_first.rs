//! Signing up where addresses must be verified first: the answer is the same whether or not the address has an account,
//! and everything else is in a mail to it. The password is hashed in both cases, and each commits once.

use super::Signed;
use crate::auth::limits::{Limit, Who};
use crate::engine::accounts::{address_is_taken, caller};
use crate::engine::audit::{Audit, Deed, SIGNUP_AGAIN};
use crate::engine::{Caller, Engine};
use crate::ops::accounts::OpenAccount;
use crate::ops::second_sign_up::SignUpAgain;
use crate::store::users::Account;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::account::{Tokens, User};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::{ErrorCode, Failure, SessionId};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// The answer comes at least this long after the password was hashed: longer than either commit usually takes, so that the
/// time does not tell which one it was.
const SETTLING: Duration = Duration::from_millis(100);

impl Engine {
    /// Whether an address must be verified before its account is used.
    pub(super) fn verifies_first(&self) -> bool {
        self.0.verify_first
    }

    /// Makes the account, or tells the owner of the address that there is one. No tokens come of it: over HTTP the refusal
    /// is the answer 202.
    pub(super) async fn sign_up_by_mail(
        &self,
        caller_to_be: Arc<Caller>,
        open: OpenAccount,
        audit: Audit,
    ) -> Result<Signed<Tokens>, Failure> {
        let settles = Instant::now() + SETTLING;
        let settled = self.open_or_tell(caller_to_be, open, &audit).await;
        sleep_until(settles).await;
        settled?;
        Err(verify_first())
    }

    async fn open_or_tell(
        &self,
        caller_to_be: Arc<Caller>,
        open: OpenAccount,
        audit: &Audit,
    ) -> Result<(), Failure> {
        let email = open.account.user.email.clone();
        let wanted = open
            .candidates
            .is_empty()
            .then(|| open.account.user.username.to_string());
        if let Some(account) = self.find_account(&email).await? {
            return self.tell_owner(&account, wanted, audit).await;
        }
        match self.act::<User>(caller_to_be, open).await {
            Ok(user) => {
                audit.write(&Deed {
                    user: Some(user.id),
                    ..Deed::default()
                });
                Ok(())
            }
            // another sign-up has just made it
            Err(failure) if address_is_taken(&failure) => match self.find_account(&email).await? {
                Some(account) => self.tell_owner(&account, wanted, audit).await,
                None => Ok(()),
            },
            Err(failure) => Err(failure),
        }
    }

    async fn tell_owner(
        &self,
        account: &Account,
        username: Option<String>,
        audit: &Audit,
    ) -> Result<(), Failure> {
        let owner = caller(account, SessionId(Uuid::nil()));
        let deed = Deed::of(&owner);
        let address = Who::Email(&account.user.email);
        let mails = self.limits().take(Limit::Codes, address).await.is_ok();
        let Nothing {} = self.act(owner, SignUpAgain { username, mails }).await?;
        audit.clone().named(SIGNUP_AGAIN).write(&deed);
        Ok(())
    }
}

/// The answer to somebody whose address is not verified.
pub(super) fn verify_first() -> Failure {
    Failure::new(
        ErrorCode::EmailNotVerified,
        "verify your e-mail address with the code or link of the mail, then sign in",
    )
}
