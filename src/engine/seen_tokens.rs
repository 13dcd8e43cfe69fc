//! API tokens that callers brought lately, and whose they are: only the database can tell one that somebody made up. Who
//! brings one is still checked each time (`identity`); this decides who pays, and spares reads.

use super::Caller;
use super::bearer::Credential;
use crate::auth::limits::Who;
use moka::sync::Cache;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{ApiTokenId, ErrorCode, Failure, UserId};

/// The most tokens of each kind.
const TOKENS: u64 = 20_000;
/// How long a token is remembered that was good.
const GOOD: Duration = Duration::from_hours(1);
/// How long one that nobody has.
const UNKNOWN: Duration = Duration::from_mins(1);

/// Whose requests a token's count among.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// Who pays, if that is known.
    pub user: Option<UserId>,
    /// Whose requests are counted: one session or API token must not use up what the others may ask.
    pub by: Who<'static>,
}

/// The tokens.
pub(super) struct SeenTokens {
    good: Cache<Credential, (UserId, ApiTokenId)>,
    /// Made up, or revoked. Nobody has a token before the database does, so none of them ever begins: its repetition is
    /// refused without asking again.
    unknown: Cache<Credential, ()>,
}

impl SeenTokens {
    pub(super) fn new() -> SeenTokens {
        let good = Cache::builder().max_capacity(TOKENS).time_to_live(GOOD);
        let unknown = Cache::builder().max_capacity(TOKENS).time_to_live(UNKNOWN);
        SeenTokens {
            good: good.build(),
            unknown: unknown.build(),
        }
    }

    /// Whether the database did not know it a moment ago.
    pub(super) fn is_unknown(&self, token: &Credential) -> bool {
        self.unknown.contains_key(token)
    }

    /// Whose it was when it was good.
    pub(super) fn owner(&self, token: &Credential) -> Option<Owner> {
        let (user, id) = self.good.get(token)?;
        Some(Owner {
            user: Some(user),
            by: id.into(),
        })
    }

    /// What came of a look at it. One that has ended counts for its owner no longer.
    pub(super) fn note(&self, token: &Credential, outcome: Result<&Arc<Caller>, &Failure>) {
        match outcome.map_err(|failure| failure.code) {
            Ok(caller) => {
                if let Some(grant) = &caller.grant {
                    self.good.insert(token.clone(), (caller.user.id, grant.token));
                }
            }
            Err(ErrorCode::TokenRevoked) => {
                self.good.invalidate(token);
                self.unknown.insert(token.clone(), ());
            }
            Err(ErrorCode::TokenExpired | ErrorCode::AccountInactive) => self.good.invalidate(token),
            Err(_) => {}
        }
    }
}
