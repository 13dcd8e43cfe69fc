//! SQLite's keys in two trees. Keys by stream, user or workspace lie far apart: in one tree every row of a group would
//! change a page of its own. So new keys go into a small tree, where a whole group changes a few pages, and the writer moves
//! many at a time to the large tree, where they then share pages too. Views show both as one: `log_by_stream`,
//! `notifications_by_user` and `tasks_by_workspace` in the schema.

use super::{Way, is_on};

/// New keys are moved after so many rows of any table. The small trees stay at about ten pages.
const MANY: usize = 4096;

/// Moves the keys, in the order of the large trees.
pub(in crate::store) const MOVE: &str = include_str!("move_keys.sql");

/// How many rows were written since the last move.
pub(in crate::store) struct NewKeys {
    committed: usize,
    /// By the transaction that runs.
    written: usize,
}

impl Default for NewKeys {
    /// The process before this one may have left keys: the first commit moves them.
    fn default() -> NewKeys {
        NewKeys {
            committed: MANY,
            written: 0,
        }
    }
}

impl NewKeys {
    pub(in crate::store) fn count(&mut self, rows: usize) {
        self.written += rows;
    }

    /// The transaction is committed.
    pub(in crate::store) fn keep(&mut self) {
        self.committed += std::mem::take(&mut self.written);
    }

    /// The transaction is over, and left no rows.
    pub(in crate::store) fn undo(&mut self) {
        self.written = 0;
    }

    /// Whether the next commit moves them. If it fails, the following ones do not try again until as many rows came again: a
    /// full database may have no room for the move and still room for them.
    pub(in crate::store) fn are_moved_now(&mut self) -> bool {
        let many = is_on(Way::TwoTrees) && self.committed + self.written >= MANY;
        if many {
            (self.committed, self.written) = (0, 0);
        }
        many
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_once_they_are_committed() {
        let mut keys = NewKeys::default();
        assert!(keys.are_moved_now(), "the first commit of a process moves them");
        keys.count(MANY);
        keys.undo();
        assert!(!keys.are_moved_now(), "they were refused");
        keys.count(MANY - 1);
        keys.keep();
        assert!(!keys.are_moved_now());
        keys.count(1);
        assert!(keys.are_moved_now());
        keys.undo();
        assert!(
            !keys.are_moved_now(),
            "the move was tried, and is not tried again at once"
        );
    }
}
