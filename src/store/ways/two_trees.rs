//! SQLite's keys in two trees. Keys by stream, user or workspace are far apart: in one tree, every row of a group would
//! change a different page. So new keys are inserted into a small tree, where a whole group changes a few pages. The
//! writer moves many of them at a time to the large tree, where they then share pages too. Views show both trees as
//! one: `log_by_stream`, `notifications_by_user` and `tasks_by_workspace` in the schema.

use super::{Way, is_on};

/// New keys are moved after this many written rows of any table. The small trees stay at about ten pages.
const MANY: usize = 4096;

/// Moves the keys, in the order of the large trees.
pub(in crate::store) const MOVE: &str = include_str!("move_keys.sql");

/// How many rows were written since the last move.
pub(in crate::store) struct NewKeys {
    committed: usize,
    /// By the current transaction.
    written: usize,
}

impl Default for NewKeys {
    /// The previous process may have left keys in the small trees: the first commit moves them.
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

    /// Counts the transaction's rows, because it is committed.
    pub(in crate::store) fn keep(&mut self) {
        self.committed += std::mem::take(&mut self.written);
    }

    /// Drops the transaction's rows, because it is rolled back.
    pub(in crate::store) fn undo(&mut self) {
        self.written = 0;
    }

    /// Whether the next commit moves the keys. If that commit fails, the next ones do not try again until as many new
    /// rows were written: a full database may lack the room for the move and still have room for rows.
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
        assert!(!keys.are_moved_now(), "the rows were rolled back");
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
