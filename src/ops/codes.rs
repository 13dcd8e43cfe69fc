//! Codes that prove an address: issued, used once, void after a newer one. Whether a given code is right is checked before
//! (`auth/codes`); here, under the lock of the account's stream, it is decided whether it is still good. So of many requests
//! with one code exactly one uses it, and wrong ones are counted one after the other.

use super::world::World;
use super::{Act, Result, json};
use crate::store::codes::{CodeRecord, Purpose};
use crate::store::users::Account;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{Email, ErrorCode, Timestamp, UserId};
use uuid::Uuid;

/// How many wrong codes void a code. The link in the same mail cannot be guessed, so it stays good.
const TRIES: i64 = 5;

/// How long a code lives.
pub trait Life {
    /// From the moment at which it is sent.
    fn life(self) -> Duration;
}

impl Life for Purpose {
    fn life(self) -> Duration {
        match self {
            Purpose::Verify | Purpose::ChangeEmail => Duration::from_mins(10),
            Purpose::Reset => Duration::from_mins(30),
        }
    }
}

/// A new code. It voids the account's older one of this purpose.
pub(super) fn issue(
    act: &Act<'_>,
    world: &mut World,
    account: &Account,
    email: &Email,
    purpose: Purpose,
) -> Uuid {
    let id = act.new_id();
    let life = i64::try_from(purpose.life().as_millis()).unwrap_or(i64::MAX);
    world.codes.put(CodeRecord {
        user: account.user.id,
        purpose,
        id,
        email: email.clone(),
        tries: 0,
        expires_at: Timestamp(act.now.0.saturating_add(life)),
        ended_at: None,
        // who verifies the address that the account has gets nothing by it, so that code outlives a sign-out
        token_version: Some(account.token_version).filter(|_| purpose != Purpose::Verify),
    });
    id
}

/// A code or link that somebody gave.
#[derive(Clone, Copy, Debug)]
pub struct Given {
    /// The code's id.
    pub id: Uuid,
    /// What it is for.
    pub purpose: Purpose,
    /// Whether it is right. A link always is: a wrong one names no code.
    pub is_right: bool,
    /// Whether it is the link.
    pub by_link: bool,
}

/// How an attempt to use a code ended. A wrong code changes the count of tries, so it is no failure of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// Why it was refused.
    pub refused: Option<ErrorCode>,
}

impl Attempted {
    pub(super) fn answer(refused: Option<ErrorCode>) -> Result<Arc<str>> {
        Ok(json(&Attempted { refused })?.into())
    }
}

impl Given {
    fn key(self, user: UserId) -> (UserId, Purpose) {
        (user, self.purpose)
    }

    /// The code, if it is good now; else the reason, and a wrong try is counted. The account must be loaded. Whatever
    /// raises its token version, like another password, voids its codes too.
    pub(super) fn examine(
        self,
        act: &Act<'_>,
        world: &mut World,
    ) -> std::result::Result<CodeRecord, ErrorCode> {
        let found = world.codes.get(self.key(act.caller.user.id)).cloned();
        let account = world.accounts.get(act.caller.user.id);
        let is_of_now = |code: &CodeRecord| {
            account.is_some_and(|account| {
                account.user.is_active
                    && code
                        .token_version
                        .is_none_or(|made| made == account.token_version)
            })
        };
        let living = found.filter(|code| code.ended_at.is_none() && is_of_now(code));
        let Some(code) = living.filter(|code| self.by_link || code.tries < TRIES) else {
            return Err(ErrorCode::InvalidToken);
        };
        if !self.is_right {
            let tries = code.tries + 1;
            world.codes.put(CodeRecord { tries, ..code });
            return Err(ErrorCode::InvalidToken);
        }
        // a newer code voids the older one
        if code.id != self.id {
            return Err(ErrorCode::InvalidToken);
        }
        if code.expires_at <= act.now {
            return Err(ErrorCode::TokenExpired);
        }
        Ok(code)
    }
}

/// Ends an account's codes.
pub(super) fn end_all(act: &Act<'_>, world: &mut World, user: UserId) {
    for purpose in Purpose::ALL {
        end(act, world, user, purpose);
    }
}

/// Ends an account's code of a purpose, if there is one.
pub(super) fn end(act: &Act<'_>, world: &mut World, user: UserId, purpose: Purpose) {
    let found = world.codes.get((user, purpose)).cloned();
    if let Some(code) = found.filter(|code| code.ended_at.is_none()) {
        let ended_at = Some(act.now);
        world.codes.put(CodeRecord { ended_at, ..code });
    }
}
