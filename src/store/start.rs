//! A group's first reads: the locks of its streams, and what its op_ids did before. Nearly every group needs both, so
//! they are sent together.

use super::ops::{self, Remembered};
use super::streams::{self, Counters};
use super::{Result, Transaction};
use foldhash::{HashMap, HashMapExt};
use taskwire_protocol::{OpId, StreamId, TaskId, UserId};

/// What a group starts with.
pub struct Start {
    /// The counters of the locked streams, or of those that an optimistic group relies on.
    pub streams: HashMap<StreamId, Counters>,
    /// What the op_ids did before.
    pub memory: HashMap<(UserId, OpId), Remembered>,
}

/// Relies on the known counters of these streams instead of locking them, if all are known. It does not look the op_ids
/// up: inserting one that exists fails.
pub fn assume(tx: &mut Transaction, streams: impl IntoIterator<Item = StreamId>) -> Option<Start> {
    let streams: Vec<StreamId> = streams.into_iter().collect();
    tx.assume(&streams).then(|| Start {
        streams: streams::to_lock(tx, streams, []).0,
        memory: HashMap::new(),
    })
}

/// Locks these streams and those of the workspaces that hold these tasks, and then looks the op_ids up. The order
/// matters: the group that held the locks before may have written them.
pub async fn start(
    tx: &mut Transaction,
    streams: impl IntoIterator<Item = StreamId>,
    tasks: impl IntoIterator<Item = TaskId>,
    op_ids: impl IntoIterator<Item = (UserId, OpId)>,
) -> Result<Start> {
    let (mut all, to_lock) = streams::to_lock(tx, streams, tasks);
    let lock = (&streams::LOCK, to_lock);
    let find = (&ops::FIND, ops::to_find(op_ids));
    let (locked, found) = tx.fetch_both(lock, find).await?;
    streams::locked(tx, locked, &mut all);
    Ok(Start {
        streams: all,
        memory: ops::found(found),
    })
}
