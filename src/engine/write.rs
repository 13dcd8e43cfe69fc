//! A group's last step before the commit: rows, counters, frames, log and op_ids, with one statement per table. The
//! counters are written late, because other groups wait for their locks until the commit.

use super::frame;
use crate::ops::for_each_entity;
use crate::ops::world::World;
use crate::store::ops::Remembered;
use crate::store::streams::{self, Counters};
use crate::store::{
    self, Result, Transaction, attachments, comments, jobs, log, members, notifications, ops, purges,
};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use taskwire_protocol::{OpId, StreamId, TaskId, Timestamp, UserId};

/// What an op_id did, as it is stored for repeats.
pub(super) type Memo = ((UserId, OpId), Remembered);

/// The streams whose log was rewritten, each with the last seq that was.
pub(super) type Rewritten = BTreeMap<StreamId, u64>;

/// Writes the rows that the group changed, and removes the content of purged tasks from the log.
pub(super) async fn rows(tx: &mut Transaction, world: &World) -> Result<Rewritten> {
    let mut rewritten = Rewritten::new();
    for task in world.purged() {
        let places = if world.is_much_told(*task) {
            purges::hide(tx, *task).await?
        } else {
            forget(tx, *task).await?
        };
        for (stream, seq) in places {
            let last = rewritten.entry(stream).or_default();
            *last = (*last).max(seq.unsigned_abs());
        }
    }
    if !world.purged().is_empty() {
        Box::pin(comments::delete_of(tx, world.purged().iter().copied())).await?;
        Box::pin(attachments::remove_of(tx, world.purged().iter().copied())).await?;
    }
    // first the rows that the group has not loaded; the group's own rows are newer and overwrite them
    notifications::read_all(tx, world.all_read()).await?;
    entities(tx, world).await?;
    let changes = world.member_changes();
    members::upsert(tx, changes.written).await?;
    members::delete(tx, changes.removed).await?;
    for workspace in world.dissolved() {
        members::delete_all(tx, workspace).await?;
    }
    jobs::insert(tx, world.jobs()).await?;
    Ok(rewritten)
}

macro_rules! derive_entities {
    (
        entities { $( $(#[doc = $doc:literal])+ $name:ident: $key:ty => $row:ty,
            ordered($order:ident), concerns($concern:ident), store($store:ident); )* }
        lookups { $($lookups:tt)* }
    ) => {
        /// Writes the changed rows of every entity of the table.
        async fn entities(tx: &mut Transaction, world: &World) -> Result<()> {
            $( store::$store::write(tx, world.$name.changes()).await?; )*
            Ok(())
        }
    };
}

for_each_entity!(derive_entities);

/// Rewrites all log entries that show a task, so that only its id is left. Returns where they are.
async fn forget(tx: &mut Transaction, task: TaskId) -> Result<Vec<(StreamId, i64)>> {
    let mut rewritten = Vec::new();
    for (stream, seq, text) in log::of_task(tx, task).await? {
        rewritten.push((stream, seq, Arc::from(log::forgotten(&text)?)));
    }
    log::rewrite(tx, task, &rewritten).await?;
    Ok(rewritten
        .into_iter()
        .map(|(stream, seq, _)| (stream, seq))
        .collect())
}

/// A log entry that has its seq and its encoded frame.
pub(super) struct Placed {
    pub(super) stream: StreamId,
    pub(super) seq: i64,
    pub(super) frame: Arc<str>,
    pub(super) removes: Option<UserId>,
}

/// Advances the counters and encodes every entry once.
pub(super) async fn place(
    tx: &mut Transaction,
    world: &World,
    deltas: &[(StreamId, Counters)],
    now: Timestamp,
) -> Result<Vec<Placed>> {
    let after = streams::advance(tx, deltas).await?;
    let mut running: HashMap<StreamId, Counters> = HashMap::with_capacity(deltas.len());
    for (stream, delta) in deltas {
        let after = streams::of(&after, *stream)?;
        let before = Counters {
            seq: after.seq - delta.seq,
            unread: after.unread - delta.unread,
            ..after
        };
        running.insert(*stream, before);
    }
    let placed = world.entries(0).iter().map(|entry| {
        let counters = running.entry(entry.stream).or_default();
        counters.seq += 1;
        counters.unread += entry.unread.unwrap_or_default();
        let frame = frame::event(entry, counters.seq, now, counters.unread.max(0)).into();
        Placed {
            stream: entry.stream,
            seq: counters.seq,
            frame,
            removes: entry.removes,
        }
    });
    Ok(placed.collect())
}

/// Writes the log and what the op_ids did.
pub(super) async fn log_and_memory(
    tx: &mut Transaction,
    world: &World,
    placed: &[Placed],
    memos: &[Memo],
    now: Timestamp,
) -> Result<()> {
    let entries: Vec<log::EntryRecord> = world
        .entries(0)
        .iter()
        .zip(placed)
        .map(|(entry, placed)| log::EntryRecord {
            stream: placed.stream,
            seq: placed.seq,
            at: now.0,
            task: entry.task,
            frame: placed.frame.clone(),
        })
        .collect();
    log::insert(tx, &entries).await?;
    ops::insert(tx, memos, now.0).await
}
