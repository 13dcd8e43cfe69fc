//! The code or link of a mail, as somebody gives it: which account it may be for, and whether it is right. Whether it is
//! still good is decided by a step (`ops/codes`).

use crate::auth::limits::Limit;
use crate::engine::accounts::caller;
use crate::engine::{Caller, Engine, Sender, spawned};
use crate::ops::codes::Given;
use crate::store::codes::{self, CodeRecord, Purpose};
use crate::store::users::{self, Account};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{Email, ErrorCode, Failure, Secret, SessionId};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

/// A refusal takes at least this long, so that it does not tell whether there was a code to compare with.
const REFUSAL: Duration = Duration::from_millis(100);

/// What somebody gives.
pub(super) enum Proof {
    /// The code, and the address to which it was mailed.
    Code(Email, Secret),
    /// The token of the link.
    Link(Secret),
}

impl Proof {
    /// Reads the fields of a request.
    pub(super) fn of(
        email: Option<Email>,
        code: Option<Secret>,
        token: Option<Secret>,
    ) -> Result<Proof, Failure> {
        match (email, code, token) {
            (Some(email), Some(code), None) => Ok(Proof::Code(email, code)),
            (None, None, Some(token)) => Ok(Proof::Link(token)),
            (None, Some(_), None) => Err(Failure::invalid(
                "email",
                "email is missing: it belongs to the code",
            )),
            (Some(_), None, None) => Err(Failure::invalid("code", "code is missing")),
            _ => Err(Failure::invalid("token", "send either email and code, or token")),
        }
    }

    /// The address, for the log.
    pub(super) fn email(&self) -> Option<&str> {
        match self {
            Proof::Code(email, _) => Some(email),
            Proof::Link(_) => None,
        }
    }
}

/// A code that may be meant.
pub(super) struct Meant {
    pub(super) account: Account,
    /// The address that it proves.
    pub(super) email: Email,
    pub(super) given: Given,
}

impl Meant {
    /// The owner of the account, who has no session yet.
    pub(super) fn caller(&self) -> Arc<Caller> {
        caller(&self.account, SessionId(Uuid::nil()))
    }
}

impl Engine {
    /// Counts a try of a code as a sign-in of its network: a code has five tries, but there are many codes.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub(super) async fn may_try_code(&self, sender: &Sender) -> Result<(), Failure> {
        match sender.origin.address {
            Some(address) => self.limits().take(Limit::SignIns, address).await,
            None => Ok(()),
        }
    }

    /// The code that is right; or those for the same address, which a wrong one was tried on.
    pub(super) async fn meant(
        &self,
        proof: &Proof,
        purposes: &'static [Purpose],
    ) -> Result<Vec<Meant>, Failure> {
        let (records, by_link) = match proof {
            Proof::Link(token) => match self.0.codes.id_of(token.expose()) {
                Some(id) => (self.code(id).await?.into_iter().collect(), true),
                None => (Vec::new(), true),
            },
            Proof::Code(email, _) => (self.codes_for(email).await?, false),
        };
        let judged = records
            .into_iter()
            .filter(|record: &CodeRecord| purposes.contains(&record.purpose))
            .map(|record| {
                let is_right = match proof {
                    Proof::Link(_) => true,
                    Proof::Code(_, code) => self.0.codes.is_code(record.id, code.expose()),
                };
                (record, is_right)
            });
        let mut judged: Vec<(CodeRecord, bool)> = judged.collect();
        if judged.iter().any(|(_, is_right)| *is_right) {
            judged.retain(|(_, is_right)| *is_right);
        }
        let mut all = Vec::with_capacity(judged.len());
        for (record, is_right) in judged {
            let given = Given {
                id: record.id,
                purpose: record.purpose,
                is_right,
                by_link,
            };
            if let Some(account) = self.account_of(&record).await? {
                let email = record.email;
                all.push(Meant {
                    account,
                    email,
                    given,
                });
            }
        }
        Ok(all)
    }

    async fn code(&self, id: Uuid) -> Result<Option<CodeRecord>, Failure> {
        let store = self.0.store.clone();
        spawned(async move { codes::find(&mut store.read().await?, id).await }).await
    }

    async fn codes_for(&self, email: &str) -> Result<Vec<CodeRecord>, Failure> {
        let (store, email) = (self.0.store.clone(), email.trim().to_owned());
        spawned(async move { codes::list_by_email(&mut store.read().await?, &email).await }).await
    }

    async fn account_of(&self, record: &CodeRecord) -> Result<Option<Account>, Failure> {
        let (store, user) = (self.0.store.clone(), record.user);
        spawned(async move { users::find(&mut store.read().await?, user).await }).await
    }
}

/// Refuses a code or link, no sooner than others that began at the same time.
pub(super) async fn refuse(began: Instant, code: ErrorCode) -> Failure {
    sleep_until(began + REFUSAL).await;
    let message = match code {
        ErrorCode::TokenExpired => "the code or link has expired; ask for a new one",
        _ => "the code or link is not valid: wrong, used, tried too often, or replaced by a newer one",
    };
    Failure::new(code, message)
}
