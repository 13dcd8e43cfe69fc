//! The load: accounts, writers, readers, and what they record.
//!
//! - `accounts`   users, workspaces, memberships
//! - `session`    a user's tokens, exchanged in time; `lease` renews sockets with them
//! - `visitor`    signs in a second time, and ends that session
//! - `disturbed`  what faults disturb, for those who judge by time
//! - `record`     the records of operations and of what readers saw
//! - `writer`     invokes mutations, and resends those without an answer
//! - `teammate`   does one thing after the other that teams do; `scenes` what that is, `kept` what it must leave
//! - `over_http`  what teammates send over HTTP: uploads and imports; `post` sends a request
//! - `files`      reads the files of uploads
//! - `reader`     follows streams through raw frames, over any number of connections
//! - `follower`   follows streams through the real Rust client, with a replica

pub(crate) mod accounts;
pub(crate) mod disturbed;
pub(crate) mod files;
pub(crate) mod follower;
pub(crate) mod kept;
pub(crate) mod lease;
mod over_http;
mod post;
pub(crate) mod reader;
pub(crate) mod record;
mod scenes;
pub(crate) mod session;
pub(crate) mod teammate;
pub(crate) mod visitor;
pub(crate) mod writer;

use self::disturbed::Disturbed;
use self::kept::Kept;
use crate::verdict::Verdicts;
use crate::world::World;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{RwLock, watch};
use uuid::Uuid;

/// State that all tasks of the load share.
pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) verdicts: Verdicts,
    pub(crate) counts: Counts,
    streams: Mutex<HashMap<Uuid, u32>>,
    began: Instant,
    /// Mutations that writers may still invoke.
    pub(crate) budget: AtomicU64,
    /// While set, writers begin nothing new.
    pub(crate) pause: AtomicBool,
    /// Operations without an answer.
    pub(crate) pending: AtomicU64,
    pub(crate) phase: watch::Sender<Phase>,
    /// A change makes every reader drop its connection at once.
    pub(crate) storm: watch::Sender<u64>,
    pub(crate) disturbed: Disturbed,
    /// What must be there at the end.
    pub(crate) kept: Mutex<Kept>,
    /// Held while tokens are exchanged; to write: nobody gets another token.
    pub(crate) tokens: RwLock<()>,
}

/// How far the run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Writers write, readers read.
    Load,
    /// Writers wait for their last answers and end; readers read.
    Settle,
    /// Readers end.
    Over,
}

/// Counters of a run.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) invoked: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) resent: AtomicU64,
    pub(crate) replayed: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) events: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) resyncs: AtomicU64,
    /// Pairs of tokens that were exchanged for new ones.
    pub(crate) refreshes: AtomicU64,
    /// Times that a user had to sign in again.
    pub(crate) sign_ins: AtomicU64,
    /// Sockets that got more time by a newer token.
    pub(crate) renewals: AtomicU64,
    /// Sockets that were closed because they did not.
    pub(crate) lapsed: AtomicU64,
}

impl Shared {
    pub(crate) fn new(world: Arc<World>) -> Arc<Shared> {
        Arc::new(Shared {
            world,
            verdicts: Verdicts::default(),
            counts: Counts::default(),
            streams: Mutex::default(),
            began: Instant::now(),
            budget: AtomicU64::new(0),
            pause: AtomicBool::new(false),
            pending: AtomicU64::new(0),
            phase: watch::Sender::new(Phase::Load),
            storm: watch::Sender::new(0),
            disturbed: Disturbed::default(),
            kept: Mutex::default(),
            tokens: RwLock::default(),
        })
    }

    /// Nanoseconds since the beginning, never 0, never backwards.
    pub(crate) fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64 + 1
    }

    /// The number of a stream, for records.
    pub(crate) fn stream(&self, id: Uuid) -> u32 {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let next = streams.len() as u32;
        *streams.entry(id).or_insert(next)
    }

    /// Takes one mutation out of the budget; false when none is left, or while writers pause.
    pub(crate) fn take_leave(&self) -> bool {
        !self.pause.load(Relaxed)
            && self
                .budget
                .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1))
                .is_ok()
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }
}

/// The id in `workspace:<id>` or `user:<id>`.
pub(crate) fn stream_id(name: &str) -> Option<Uuid> {
    name.split_once(':')?.1.parse().ok()
}

/// A hash that is the same everywhere in a run.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod coverage;
