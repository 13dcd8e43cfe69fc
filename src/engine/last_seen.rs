//! When each session was last used: by an HTTP request, by a socket that authenticates, by a socket that lives. Noted in
//! memory and written together, off the path of requests: a session once a minute at most, on whichever instance it is
//! used. It is no change that anybody follows, so no log has it. A node that is killed loses what it has not written yet.

use super::bearer::Bearer;
use super::{Chore, Engine};
use crate::store::sessions::{self, SessionRecord};
use crate::store::{StoreError, Transaction};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use taskwire_protocol::{Failure, SessionId, Timestamp};
use tokio::time::MissedTickBehavior;

/// Between two writes.
const WRITE: Duration = Duration::from_secs(5);
/// The sockets are looked at once in this many writes.
const SOCKETS: u32 = 12;
/// The most uses in memory. Further ones are noted at their next request.
const MOST: usize = 65_536;
/// The most sessions that one statement writes.
const STEP: usize = 500;
/// A use is written when the one before it is this old.
const EVERY_MS: i64 = 60_000;

/// The uses that are not written yet.
#[derive(Default)]
pub(super) struct LastSeen(Mutex<HashMap<SessionId, Timestamp>>);

impl LastSeen {
    /// Notes a use of a session, unless one within the last minute is known.
    fn note(&self, session: &SessionRecord, now: i64) {
        if now.saturating_sub(session.last_seen_at.0) < EVERY_MS {
            return;
        }
        let mut uses = self.lock();
        if uses.len() < MOST || uses.contains_key(&session.id) {
            uses.insert(session.id, Timestamp(now));
        }
    }

    fn take(&self) -> Vec<(SessionId, Timestamp)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Notes that a session is used, if it is one.
    pub(super) fn note_session(&self, bearer: &Bearer) {
        if let Bearer::Session(session) = bearer {
            self.0.last_seen.note(session, self.0.clock.now_ms());
        }
    }

    /// Writes what was noted now and then, for ever.
    pub(super) async fn keep_last_seen(self) {
        let mut tick = tokio::time::interval(WRITE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut writes = 0_u32;
        loop {
            tick.tick().await;
            writes = writes.wrapping_add(1);
            // what cannot be written is noted again at the next use
            if let Err(failure) = self.write_last_seen(writes.is_multiple_of(SOCKETS)).await {
                tracing::debug!(error.message = %failure, "could not write when sessions were last used");
            }
        }
    }

    /// Writes what was noted, and with `sockets` also that the sessions of the sockets are in use. API tokens of sockets are
    /// noted as used, and written like others.
    pub async fn write_last_seen(&self, sockets: bool) -> Result<(), Failure> {
        let mut uses = self.0.last_seen.take();
        if sockets {
            let now = Timestamp(self.0.clock.now_ms());
            for caller in self.0.instance.callers() {
                self.note_use(&caller);
                match &caller.grant {
                    Some(grant) => self.0.sessions.api_tokens.keep(&grant.hash),
                    None => uses.push((caller.session, now)),
                }
            }
        }
        uses.sort_unstable();
        uses.dedup_by_key(|(session, _)| *session);
        for uses in uses.chunks(STEP) {
            self.chore(WriteUses(uses.to_vec())).await?;
        }
        Ok(())
    }
}

struct WriteUses(Vec<(SessionId, Timestamp)>);

impl Chore for WriteUses {
    type Output = ();
    async fn run(self, tx: &mut Transaction) -> Result<(), StoreError> {
        sessions::mark_seen(tx, &self.0, EVERY_MS).await
    }
}
