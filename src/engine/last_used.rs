//! When API tokens were last used: noted once a minute for each at most, and written for many at once. No log entry
//! tells it. What a node noted in its last seconds may get lost with it.

use super::{Caller, Chore, Engine};
use crate::store::{StoreError, Transaction, api_tokens};
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use taskwire_protocol::{ApiTokenId, Timestamp};
use tokio::time::MissedTickBehavior;

/// A token's use is noted when the last one noted is this old.
const OLD_MS: i64 = 60_000;
/// Between two writes.
const WRITES: Duration = Duration::from_secs(5);
/// How many tokens are noted between two writes. The use of others is noted later.
const MOST: usize = 10_000;
/// How many tokens one transaction writes.
const STEP: usize = 500;

/// The tokens whose use was not written yet. The time of the write is exact enough.
#[derive(Default)]
pub(super) struct LastUsed(Mutex<HashSet<ApiTokenId>>);

impl LastUsed {
    fn note(&self, token: ApiTokenId) {
        // no code panics while it holds this lock
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST {
            noted.insert(token);
        }
    }

    fn take(&self) -> HashSet<ApiTokenId> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Notes that a caller's API token is used, if it acts with one.
    #[inline]
    pub(super) fn note_use(&self, caller: &Caller) {
        if let Some(grant) = &caller.grant
            && grant.notes_use(self.0.clock.now_ms(), OLD_MS)
        {
            self.0.last_used.note(grant.token);
        }
    }

    /// Writes what was noted now and then, for ever.
    pub(super) async fn keep_last_used(self) {
        let mut tick = tokio::time::interval(WRITES);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.write_last_used().await;
        }
    }

    /// Writes what was noted. When the database is away, that is lost; the next use is noted again.
    pub async fn write_last_used(&self) {
        let used: Vec<_> = self.0.last_used.take().into_iter().collect();
        for tokens in used.chunks(STEP) {
            let at = Timestamp(self.0.clock.now_ms());
            let tokens = tokens.to_vec();
            if self.chore(Touch { tokens, at }).await.is_err() {
                return;
            }
        }
    }
}

struct Touch {
    tokens: Vec<ApiTokenId>,
    at: Timestamp,
}

impl Chore for Touch {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        api_tokens::touch(tx, &self.tokens, self.at).await
    }
}
