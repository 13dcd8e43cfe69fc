//! The counters of the streams that a group works on, and what it adds to them.

use crate::store::streams::Counters;
use foldhash::HashMap;
use std::collections::BTreeMap;
use taskwire_protocol::StreamId;
use taskwire_protocol::task::Task;

/// Counters, as loaded and as changed.
#[derive(Clone, Default)]
pub(super) struct Counts {
    loaded: HashMap<StreamId, Counters>,
    deltas: BTreeMap<StreamId, Counters>,
}

impl Counts {
    /// Sets a stream's counters to their values before the group.
    pub(super) fn load(&mut self, stream: StreamId, counters: Counters) {
        self.loaded.insert(stream, counters);
    }

    /// A stream's counters, with what the group added so far.
    pub(super) fn now(&self, stream: StreamId) -> Counters {
        let base = self.loaded.get(&stream).copied().unwrap_or_default();
        let delta = self.deltas.get(&stream).copied().unwrap_or_default();
        base.plus(delta)
    }

    /// What the group adds to a stream's counters.
    pub(super) fn delta(&mut self, stream: StreamId) -> &mut Counters {
        self.deltas.entry(stream).or_default()
    }

    /// Adds `number` (1 or -1) to the workspace's count of tasks with this task's status.
    pub(super) fn task(&mut self, task: &Task, number: i64) {
        let delta = self.delta(task.workspace_id.into());
        let counter = match (task.is_deleted, task.completed) {
            (true, _) => &mut delta.deleted,
            (false, true) => &mut delta.completed,
            (false, false) => &mut delta.pending,
        };
        *counter += number;
    }

    /// What the group adds to each stream's counters, sorted by id.
    pub(super) fn deltas(&self) -> Vec<(StreamId, Counters)> {
        let deltas = self.deltas.iter().map(|(stream, delta)| (*stream, *delta));
        let mut deltas: Vec<_> = deltas.collect();
        deltas.sort_by_key(|(stream, _)| stream.uuid());
        deltas
    }

    /// Whether the group adds nothing.
    pub(super) fn is_unchanged(&self) -> bool {
        self.deltas.is_empty()
    }
}
