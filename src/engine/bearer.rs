//! What a caller acts with, a session or an API token: how it is found, whose it is, and when it ends. Does not check
//! it: `identity` does.

use super::Caller;
use super::accounts::{caller, caller_with};
use crate::ops::Grant;
use crate::store::api_tokens::{self, ApiTokenRecord};
use crate::store::sessions::{self, SessionRecord};
use crate::store::users::Account;
use crate::store::{Reader, Result};
use std::sync::Arc;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{ErrorCode, Failure, SessionId, Timestamp, UserId};

/// When a token without an end ends, for clients: the last moment that the contract can write.
pub(super) const NEVER: Timestamp = Timestamp(253_402_300_799_999);

/// By what a session or an API token is found.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    /// A session's id.
    Session(SessionId),
    /// The hash of an API token.
    ApiToken(Arc<str>),
}

impl Credential {
    /// What this caller acts with.
    pub(super) fn of(caller: &Caller) -> Credential {
        match &caller.grant {
            None => Credential::Session(caller.session),
            Some(grant) => Credential::ApiToken(grant.hash.clone()),
        }
    }

    /// Finds it, and the head of its user's own stream at the same moment.
    pub(super) async fn find(&self, reader: &mut Reader) -> Result<Option<(Bearer, i64)>> {
        Ok(match self {
            Credential::Session(id) => sessions::find_with_head(reader, *id)
                .await?
                .map(|(session, head)| (Bearer::Session(session), head)),
            Credential::ApiToken(hash) => api_tokens::find_with_head(reader, hash)
                .await?
                .map(|(token, head)| (Bearer::ApiToken(token), head)),
        })
    }

    /// The failure when there is none.
    pub(super) fn ended(&self) -> Failure {
        let message = match self {
            Credential::Session(_) => "the session has ended; sign in again",
            Credential::ApiToken(_) => "there is no such API token any more",
        };
        Failure::new(ErrorCode::TokenRevoked, message)
    }
}

/// A session or an API token.
pub(super) enum Bearer {
    Session(SessionRecord),
    ApiToken(ApiTokenRecord),
}

impl Bearer {
    pub(super) fn user(&self) -> UserId {
        match self {
            Bearer::Session(session) => session.user,
            Bearer::ApiToken(token) => token.user,
        }
    }

    /// The session, if it is one.
    pub(super) fn into_session(self) -> Option<SessionRecord> {
        match self {
            Bearer::Session(session) => Some(session),
            Bearer::ApiToken(_) => None,
        }
    }

    /// The owner of the account as a caller who acts with this.
    pub(super) fn caller(&self, account: &Account) -> Arc<Caller> {
        match self {
            Bearer::Session(session) => caller(account, session.id),
            Bearer::ApiToken(token) => caller_with(account, grant(token)),
        }
    }
}

/// Something that ends.
pub(super) trait Ends {
    /// Refuses one that was revoked or has expired.
    fn check_alive(&self, now_ms: i64) -> std::result::Result<(), Failure>;
}

impl Ends for SessionRecord {
    fn check_alive(&self, now_ms: i64) -> std::result::Result<(), Failure> {
        if self.revoked_at.is_some() {
            return Err(Credential::Session(self.id).ended());
        }
        expired(self.expires_at, now_ms, "the session has expired; sign in again")
    }
}

impl Ends for ApiTokenRecord {
    fn check_alive(&self, now_ms: i64) -> std::result::Result<(), Failure> {
        // the row of a revoked one is gone
        expired(
            self.expires_at.unwrap_or(NEVER),
            now_ms,
            "the API token has expired",
        )
    }
}

impl Ends for Bearer {
    fn check_alive(&self, now_ms: i64) -> std::result::Result<(), Failure> {
        match self {
            Bearer::Session(session) => session.check_alive(now_ms),
            Bearer::ApiToken(token) => token.check_alive(now_ms),
        }
    }
}

fn expired(at: Timestamp, now_ms: i64, message: &str) -> std::result::Result<(), Failure> {
    if at.0 <= now_ms {
        return Err(Failure::new(ErrorCode::TokenExpired, message));
    }
    Ok(())
}

fn grant(token: &ApiTokenRecord) -> Grant {
    Grant::new(
        token.id,
        token.hash.clone(),
        token.name.clone(),
        token.scope,
        token.workspaces.clone(),
        token.last_used_at.map_or(0, |at| at.0),
    )
}

/// The workspaces that the caller reaches, of all of the user's.
pub(super) fn reached(caller: &Caller, all: Vec<(Workspace, i64)>) -> Vec<(Workspace, i64)> {
    if caller.reaches_own() {
        return all;
    }
    all.into_iter()
        .filter(|(workspace, _)| caller.reaches(workspace.id))
        .collect()
}
