//! The indexes of this process: whose there are, which one is being built, and how much memory they take together. An index
//! that nobody used for a while goes, and the one that was unused for the longest time makes room for another. Where all are in
//! use, the user with the most memory makes room for those with less.

use super::rows::ListIndex;
use foldhash::{HashMap, HashMapExt};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use taskwire_protocol::{UserId, WorkspaceId};
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
    /// Who had it built.
    user: UserId,
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

    /// Claims the index of a workspace, to build it for a user. `None` while somebody else does, or if it was built or refused
    /// just now.
    pub fn claim(self: &Arc<ListIndexes>, workspace: WorkspaceId, user: UserId) -> Option<Claim> {
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
                user,
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
        kept.user = user;
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

    /// Notes the memory that a workspace's index takes, or will, and makes room for it. Returns whether there is room; if not, it
    /// goes, and nothing else.
    pub fn has_room(&self, workspace: WorkspaceId, size: usize) -> bool {
        let mut all = self.kept();
        if let Some(kept) = all.get_mut(&workspace) {
            kept.size = size;
        }
        let going = self.going(&all, workspace);
        for id in going.as_deref().unwrap_or(&[workspace]) {
            if let Some(kept) = all.get_mut(id) {
                let was_unused = *id != workspace && kept.is_unused();
                kept.index = None;
                kept.size = 0;
                kept.not_before = (!was_unused).then(|| Instant::now() + NO_ROOM);
            }
        }
        going.is_some()
    }

    /// Which indexes make room for that of this workspace; `None` if they are not enough.
    fn going(&self, all: &HashMap<WorkspaceId, Kept>, of: WorkspaceId) -> Option<Vec<WorkspaceId>> {
        let (mut left, mut going): (Vec<_>, _) = (all.iter().collect(), Vec::new());
        while left.iter().map(|(_, kept)| kept.size).sum::<usize>() > self.bytes {
            let goes = unused(&left, of).or_else(|| in_excess(&left, all.get(&of)?.user))?;
            left.retain(|(id, _)| **id != goes);
            going.push(goes);
        }
        Some(going)
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

impl Kept {
    fn is_unused(&self) -> bool {
        self.index.is_some() && self.used.elapsed() > IN_USE
    }
}

type Left<'a> = [(&'a WorkspaceId, &'a Kept)];

/// The index that was unused for the longest time, but for this workspace's.
fn unused(left: &Left<'_>, but: WorkspaceId) -> Option<WorkspaceId> {
    let unused = left.iter().filter(|(id, kept)| **id != but && kept.is_unused());
    unused.min_by_key(|(_, kept)| kept.used).map(|(id, _)| **id)
}

/// The largest index of the user whose indexes take the most memory, if that is a good deal more than this user's. So two of
/// about the same size do not take turns in being built.
fn in_excess(left: &Left<'_>, user: UserId) -> Option<WorkspaceId> {
    let mut sums: HashMap<UserId, usize> = HashMap::new();
    for (_, kept) in left {
        *sums.entry(kept.user).or_default() += kept.size;
    }
    let own = sums.get(&user)?;
    let (most, _) = sums
        .iter()
        .filter(|(_, sum)| **sum > own + own / 4)
        .max_by_key(|(_, sum)| **sum)?;
    let theirs = left
        .iter()
        .filter(|(_, kept)| kept.user == *most && kept.index.is_some());
    theirs.max_by_key(|(_, kept)| kept.size).map(|(id, _)| **id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_was_not_finished_takes_no_room() {
        let indexes = Arc::new(ListIndexes::new(1, 1000));
        let [one, other] = [1, 2].map(workspace);
        let claim = indexes.claim(one, user(1)).expect("a claim");
        let _other = indexes.claim(other, user(2)).expect("a claim");
        assert!(indexes.has_room(one, 800));
        assert!(!indexes.has_room(other, 300), "the draft takes its room");
        drop(claim);
        assert_eq!(indexes.size(), 0);
        assert!(indexes.has_room(other, 300));
    }

    #[test]
    fn who_has_the_most_makes_room_for_others_and_nobody_else_does() {
        let indexes = Arc::new(ListIndexes::new(1, 1000));
        let keep = |id, of, sizes: &[usize]| {
            let claim = indexes.claim(workspace(id), user(of)).expect("a claim");
            if sizes.iter().all(|size| indexes.has_room(workspace(id), *size)) {
                let index = Arc::new(Turn::new(ListIndex::empty(workspace(id))));
                let mut all = indexes.kept();
                all.get_mut(&workspace(id)).expect("it is there").index = Some(index);
            }
            drop(claim);
            let there = (1..=6).filter(|id| indexes.has(workspace(*id)));
            there.collect::<Vec<u128>>()
        };
        assert_eq!(keep(1, 1, &[300]), [1]);
        assert_eq!(keep(2, 1, &[400]), [1, 2]);
        assert_eq!(keep(3, 2, &[250]), [1, 2, 3]);
        assert_eq!(keep(4, 1, &[100]), [1, 2, 3], "they have the most already");
        assert_eq!(keep(5, 3, &[700]), [1, 2, 3], "it would have as much as they");
        assert_eq!(
            keep(6, 3, &[200]),
            [1, 3, 6],
            "the largest index of who has the most goes"
        );
        assert!(
            indexes.claim(workspace(2), user(1)).is_none(),
            "it does not come back at once"
        );
        assert_eq!(indexes.size(), 750);
    }

    #[test]
    fn what_does_not_fit_in_the_end_makes_nobody_go() {
        let indexes = Arc::new(ListIndexes::new(1, 1000));
        let [one, other] = [1, 2].map(workspace);
        let _claim = indexes.claim(one, user(1)).expect("a claim");
        assert!(indexes.has_room(one, 800));
        indexes.kept().get_mut(&one).expect("it is there").index =
            Some(Arc::new(Turn::new(ListIndex::empty(one))));
        let _other = indexes.claim(other, user(2)).expect("a claim");
        assert!(!indexes.has_room(other, 1100));
        assert!(indexes.has(one));
        assert_eq!(indexes.size(), 800);
    }

    fn workspace(id: u128) -> WorkspaceId {
        WorkspaceId(uuid::Uuid::from_u128(id))
    }

    fn user(id: u128) -> UserId {
        UserId(uuid::Uuid::from_u128(id))
    }
}
