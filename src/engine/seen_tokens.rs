//! API tokens that callers brought lately, and whose they are: only the database can tell one that somebody made up. Who
//! brings one is still checked each time (`identity`); this decides who pays, and spares reads.

use super::Engine;
use super::bearer::{Credential, NEVER};
use crate::auth::limits::Who;
use crate::store::api_tokens::{self, ApiTokenRecord};
use moka::policy::EvictionPolicy;
use moka::sync::{Cache, CacheBuilder};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{ApiTokenId, Timestamp, UserId};

/// The most tokens of each kind.
const TOKENS: u64 = 20_000;
/// How long a token is remembered that was good.
pub(super) const GOOD: Duration = Duration::from_hours(1);
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

/// A token that was good.
#[derive(Clone, Copy)]
struct Good {
    user: UserId,
    token: ApiTokenId,
    expires_at: Timestamp,
}

/// The tokens.
pub(super) struct SeenTokens {
    good: Cache<Credential, Good>,
    /// Made up, or revoked. Nobody has a token before the database does, so none of them ever begins: its repetition is
    /// refused without asking again.
    unknown: Cache<Credential, ()>,
}

impl SeenTokens {
    pub(super) fn new() -> SeenTokens {
        SeenTokens {
            good: lately(TOKENS, GOOD).build(),
            unknown: lately(TOKENS, UNKNOWN).build(),
        }
    }

    /// Whether the database did not know it a moment ago.
    pub(super) fn is_unknown(&self, token: &Credential) -> bool {
        self.unknown.contains_key(token)
    }

    /// Whose it is, and its id, if it was good and has not expired since.
    pub(super) fn good(&self, token: &Credential, now_ms: i64) -> Option<(UserId, ApiTokenId)> {
        let good = self.good.get(token)?;
        (now_ms < good.expires_at.0).then_some((good.user, good.token))
    }

    /// A look at it found it good.
    pub(super) fn note_good(&self, token: &ApiTokenRecord) {
        self.remember(token.hash.clone(), token.user, token.id, token.expires_at);
    }

    /// It is in use: a socket is open by it.
    pub(super) fn keep(&self, hash: &Arc<str>) {
        let token = Credential::ApiToken(hash.clone());
        if let Some(good) = self.good.get(&token) {
            self.good.insert(token, good);
        }
    }

    /// The database does not have what this would find.
    pub(super) fn note_unknown(&self, by: &Credential) {
        if let Credential::ApiToken(_) = by {
            self.good.invalidate(by);
            self.unknown.insert(by.clone(), ());
        }
    }

    fn remember(&self, hash: Arc<str>, user: UserId, token: ApiTokenId, expires_at: Option<Timestamp>) {
        let good = Good {
            user,
            token,
            expires_at: expires_at.unwrap_or(NEVER),
        };
        self.good.insert(Credential::ApiToken(hash), good);
    }
}

impl Engine {
    /// Remembers the API tokens that were used in the time for which memory keeps them: a node that starts must not take their
    /// programs for strangers.
    pub async fn recall_tokens(&self) {
        let since = self.0.clock.now_ms().saturating_sub(GOOD.as_millis() as i64);
        let found = async {
            let mut reader = self.0.store.read().await?;
            api_tokens::list_used_since(&mut reader, Timestamp(since), TOKENS as i64).await
        };
        match found.await {
            Ok(tokens) => {
                for token in tokens {
                    let seen = &self.0.sessions.api_tokens;
                    seen.remember(token.hash, token.user, token.id, token.expires_at);
                }
            }
            Err(error) => tracing::warn!(
                error.message = %error,
                "could not read which API tokens were used lately: until each is used, its address pays for it"
            ),
        }
    }
}

/// A memory of what was so lately. When it is full, what was not asked for longest makes room: the usual policy refuses the
/// newest, if the others are asked for more often.
pub(super) fn lately<K: Eq + Hash + Send + Sync + 'static, V: Clone + Send + Sync + 'static>(
    most: u64,
    life: Duration,
) -> CacheBuilder<K, V, Cache<K, V>> {
    let places = Cache::builder().max_capacity(most).time_to_live(life);
    places.eviction_policy(EvictionPolicy::lru())
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::account::ApiTokenScope;
    use uuid::Uuid;

    #[test]
    fn a_token_is_good_until_it_expires_or_is_not_found() {
        let seen = SeenTokens::new();
        let token = |hash: &str, expires_at| ApiTokenRecord {
            id: ApiTokenId(Uuid::from_u128(7)),
            user: UserId(Uuid::from_u128(8)),
            name: "ci".into(),
            hash: hash.into(),
            scope: ApiTokenScope::Write,
            workspaces: None,
            created_at: Timestamp(0),
            expires_at,
            last_used_at: None,
        };
        seen.note_good(&token("for ever", None));
        seen.note_good(&token("a while", Some(Timestamp(1000))));
        let good = |hash: &str, now_ms| seen.good(&Credential::ApiToken(hash.into()), now_ms).is_some();
        assert!(good("for ever", i64::from(u32::MAX)) && good("a while", 999));
        assert!(!good("a while", 1000) && !good("another", 0));
        seen.note_unknown(&Credential::ApiToken("for ever".into()));
        assert!(!good("for ever", 0) && seen.is_unknown(&Credential::ApiToken("for ever".into())));
    }

    #[test]
    fn the_newest_is_remembered_however_many_came_before() {
        let places: Cache<u32, String> = lately(100, GOOD).build();
        for n in 0..1000 {
            places.insert(n, String::new());
            places.run_pending_tasks();
            // old ones are asked for again and again
            (0..100).for_each(|old| drop(places.get(&old)));
        }
        assert!(places.contains_key(&999) && places.entry_count() <= 100);
    }
}
