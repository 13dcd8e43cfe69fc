//! When API tokens were last used: noted once a minute for each at most, and written for many at once. No log entry
//! tells it. What a node noted in its last seconds may get lost with it.

use super::{Caller, Chore, Engine};
use crate::store::{StoreError, Transaction, api_tokens};
use std::collections::HashMap;
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

/// The uses that were not written yet.
#[derive(Default)]
pub(super) struct LastUsed(Mutex<HashMap<ApiTokenId, Timestamp>>);

impl LastUsed {
    fn note(&self, token: ApiTokenId, at: Timestamp) {
        // no code panics while it holds this lock
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MOST || noted.contains_key(&token) {
            noted.insert(token, at);
        }
    }

    fn take(&self) -> HashMap<ApiTokenId, Timestamp> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Engine {
    /// Notes that a caller's API token is used, if it acts with one.
    #[inline]
    pub(super) fn note_use(&self, caller: &Caller) {
        if let Some(grant) = &caller.grant {
            let now = self.0.clock.now_ms();
            if grant.notes_use(now, OLD_MS) {
                self.0.last_used.note(grant.token, Timestamp(now));
            }
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
    pub(super) async fn write_last_used(&self) {
        let mut used: Vec<_> = self.0.last_used.take().into_iter().collect();
        if !used.is_empty() {
            used.sort_unstable();
            let _ = self.chore(Touch(used)).await;
        }
    }
}

struct Touch(Vec<(ApiTokenId, Timestamp)>);

impl Chore for Touch {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        api_tokens::touch(tx, self.0).await
    }
}
