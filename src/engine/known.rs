//! Who is behind a session: read once for a storm of sockets. What was read holds as long as nothing about accounts,
//! sessions or memberships was committed here since, and for a second at most. What other instances committed stands in
//! the user's own stream: who has seen that stream come to a place is told nothing older.

use crate::store::sessions::SessionRecord;
use crate::store::users::Account;
use crate::store::{Result, Store, sessions, users, workspaces};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use taskwire_protocol::workspace::Workspace;
use taskwire_protocol::{SessionId, StreamId};

/// Sessions that are kept.
const SESSIONS: u64 = 20_000;
/// How long what was read may stand.
const FRESH: Duration = Duration::from_secs(1);

/// A session, whose it is, and where they are a member.
pub(super) struct Known {
    pub(super) session: SessionRecord,
    pub(super) account: Account,
    pub(super) workspaces: Vec<Workspace>,
    /// How far the user's own stream had come: all that it tells up to there is in the rest.
    pub(super) as_of: u64,
    /// How far the workspaces' streams had come when the memberships were read: removals up to there were before them.
    pub(super) heads: HashMap<StreamId, u64>,
}

/// What is known of sessions.
pub(super) struct Sessions {
    cache: Cache<SessionId, (u64, Arc<Known>)>,
    generation: AtomicU64,
}

impl Sessions {
    pub(super) fn new() -> Sessions {
        let cache = Cache::builder()
            .max_capacity(SESSIONS)
            .time_to_live(FRESH)
            .build();
        Sessions {
            cache,
            generation: AtomicU64::new(0),
        }
    }

    /// Something about accounts, sessions or memberships was committed. Called before it is published: whoever joins a
    /// stream after the publication reads anew.
    pub(super) fn outdate(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// What is kept of a session and still holds, for somebody who has seen the user's own stream come to `seen`.
    pub(super) fn kept(&self, id: SessionId, seen: u64) -> Option<Arc<Known>> {
        let (generation, known) = self.cache.get(&id)?;
        let holds = generation == self.generation.load(Ordering::Acquire) && known.as_of >= seen;
        holds.then_some(known)
    }

    /// Reads a session; `None` when there is no such one.
    pub(super) async fn read(&self, store: &Store, id: SessionId) -> Result<Option<Arc<Known>>> {
        let generation = self.generation.load(Ordering::Acquire);
        let mut reader = store.read().await?;
        let Some((session, as_of)) = sessions::find_with_head(&mut reader, id).await? else {
            return Ok(None);
        };
        let Some(account) = users::find(&mut reader, session.user).await? else {
            return Ok(None);
        };
        let rows = workspaces::list_with_heads(&mut reader, session.user).await?;
        let heads = rows
            .iter()
            .map(|(workspace, head)| (workspace.id.into(), *head as u64))
            .collect();
        let workspaces = rows.into_iter().map(|(workspace, _)| workspace).collect();
        let known = Arc::new(Known {
            session,
            account,
            workspaces,
            as_of: as_of as u64,
            heads,
        });
        self.cache.insert(id, (generation, known.clone()));
        Ok(Some(known))
    }
}
