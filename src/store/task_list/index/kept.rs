//! The indexes of this process: whose there are, which one is being built, and how much memory they take together. An index
//! that nobody used for a while goes, and the one that was unused for the longest time makes room for another.

use super::rows::ListIndex;
use foldhash::{HashMap, HashMapExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use taskwire_protocol::WorkspaceId;
use tokio::sync::Mutex as Turn;

/// An index that was not used for so long goes.
const UNUSED: Duration = Duration::from_mins(15);
/// An index that was used within this time does not make room for another one.
const IN_USE: Duration = Duration::from_mins(1);
/// A workspace for whose index there was no room is looked at again after this time.
const NO_ROOM: Duration = Duration::from_mins(5);
/// Building may take one part in so many of the time, whatever makes an index useless again and again.
const SHARE: u32 = 4;
/// The most workspaces of which anything is known.
const MOST: usize = 4096;

/// The indexes of this process.
pub struct ListIndexes {
    /// The tasks that a workspace has at least; 0 for no index at all.
    from: u64,
    bytes: usize,
    kept: Mutex<HashMap<WorkspaceId, Kept>>,
}

struct Kept {
    index: Option<Arc<Turn<ListIndex>>>,
    size: usize,
    used: Instant,
    is_claimed: bool,
    /// It is not built before.
    not_before: Option<Instant>,
}

/// The right to build a workspace's index, until it is dropped.
pub struct Claim {
    indexes: Arc<ListIndexes>,
    /// Whose index it is.
    pub workspace: WorkspaceId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(kept) = self.indexes.kept().get_mut(&self.workspace) {
            kept.is_claimed = false;
            // of a draft that became no index nothing is left
            if kept.index.is_none() {
                kept.size = 0;
            }
        }
    }
}

impl ListIndexes {
    /// None yet. `from`: the tasks that a workspace has at least, 0 for no index at all. `bytes`: the memory of all together.
    pub fn new(from: u64, bytes: usize) -> ListIndexes {
        ListIndexes {
            from,
            bytes,
            kept: Mutex::new(HashMap::new()),
        }
    }

    /// Whether a workspace with so many tasks is to have an index.
    pub fn are_for(&self, tasks: u64) -> bool {
        self.from > 0 && tasks >= self.from && self.bytes > 0
    }

    /// Whether a workspace has an index.
    pub fn has(&self, workspace: WorkspaceId) -> bool {
        let all = self.kept();
        all.get(&workspace).is_some_and(|kept| kept.index.is_some())
    }

    /// The index of a workspace.
    pub fn find(&self, workspace: WorkspaceId) -> Option<Arc<Turn<ListIndex>>> {
        let mut all = self.kept();
        let kept = all.get_mut(&workspace)?;
        kept.used = Instant::now();
        kept.index.clone()
    }

    /// Claims the index of a workspace, to build it. `None` while somebody else does, or if it was built or refused just now.
    pub fn claim(self: &Arc<ListIndexes>, workspace: WorkspaceId) -> Option<Claim> {
        let now = Instant::now();
        let mut all = self.kept();
        if all.len() >= MOST && !all.contains_key(&workspace) {
            all.retain(|_, kept| kept.is_claimed || kept.index.is_some());
        }
        let is_full = all.len() >= MOST;
        let kept = match all.entry(workspace) {
            std::collections::hash_map::Entry::Occupied(kept) => kept.into_mut(),
            std::collections::hash_map::Entry::Vacant(_) if is_full => return None,
            std::collections::hash_map::Entry::Vacant(none) => none.insert(Kept {
                index: None,
                size: 0,
                used: now,
                is_claimed: false,
                not_before: None,
            }),
        };
        let waits = kept.not_before.is_some_and(|not_before| now < not_before);
        if kept.is_claimed || waits {
            return None;
        }
        kept.is_claimed = true;
        let indexes = self.clone();
        Some(Claim { indexes, workspace })
    }

    /// Drops the index of a workspace.
    pub fn lose(&self, workspace: WorkspaceId) {
        if let Some(kept) = self.kept().get_mut(&workspace) {
            kept.index = None;
            kept.size = 0;
        }
    }

    /// Notes the memory that a workspace's index takes, or will. Returns whether there is room; if not, it goes.
    pub fn has_room(&self, workspace: WorkspaceId, size: usize) -> bool {
        let mut all = self.kept();
        let others = |all: &HashMap<WorkspaceId, Kept>| -> usize {
            let others = all.iter().filter(|(id, _)| **id != workspace);
            others.map(|(_, kept)| kept.size).sum()
        };
        while others(&all) + size > self.bytes {
            let unused = all.iter().filter(|(id, kept)| {
                **id != workspace && kept.index.is_some() && kept.used.elapsed() > IN_USE
            });
            let Some(unused) = unused.min_by_key(|(_, kept)| kept.used).map(|(id, _)| *id) else {
                if let Some(kept) = all.get_mut(&workspace) {
                    kept.index = None;
                    kept.size = 0;
                    kept.not_before = Some(Instant::now() + NO_ROOM);
                }
                return false;
            };
            all.remove(&unused);
        }
        if let Some(kept) = all.get_mut(&workspace) {
            kept.size = size;
        }
        true
    }

    /// Keeps an index whose building took so long.
    pub fn keep(&self, workspace: WorkspaceId, index: ListIndex, took: Duration) {
        let size = index.size();
        if !self.has_room(workspace, size) {
            return;
        }
        if let Some(kept) = self.kept().get_mut(&workspace) {
            kept.index = Some(Arc::new(Turn::new(index)));
            kept.not_before = Some(Instant::now() + took * SHARE);
        }
        metrics::gauge!("taskwire_list_index_bytes").set(self.size() as f64);
    }

    /// Drops what nobody used for a while.
    pub fn sweep(&self) {
        self.kept()
            .retain(|_, kept| kept.is_claimed || kept.used.elapsed() < UNUSED);
        metrics::gauge!("taskwire_list_index_bytes").set(self.size() as f64);
    }

    /// The memory that all indexes take.
    pub fn size(&self) -> usize {
        self.kept().values().map(|kept| kept.size).sum()
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<WorkspaceId, Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_was_not_finished_takes_no_room() {
        let indexes = Arc::new(ListIndexes::new(1, 1000));
        let [one, other] = [1, 2].map(|id| WorkspaceId(uuid::Uuid::from_u128(id)));
        let claim = indexes.claim(one).expect("a claim");
        assert!(indexes.has_room(one, 800));
        assert!(!indexes.has_room(other, 300), "the draft takes its room");
        drop(claim);
        assert_eq!(indexes.size(), 0);
        assert!(indexes.has_room(other, 300));
    }
}
