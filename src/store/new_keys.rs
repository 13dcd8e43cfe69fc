//! SQLite's keys in two trees. A key by stream or by workspace lies elsewhere for each of them, so that in one tree every
//! row of a group would change a page of its own. New keys go into a small tree instead, all into the same few pages, and
//! the writer moves them to the large one many at a time, when they share its pages too. Views show both as one:
//! `log_by_stream`, `notifications_by_user` and `tasks_by_workspace` in the schema.

/// New keys are moved when this many rows were written, of whatever table: the small trees stay at about ten pages.
const MANY: usize = 4096;

/// Moves the keys, in their order.
pub(super) const MOVE: &str = include_str!("move_keys.sql");

/// How many rows were written since keys were to be moved.
pub(super) struct NewKeys {
    committed: usize,
    /// By the transaction that runs.
    written: usize,
}

impl Default for NewKeys {
    /// Nobody knows what the process before this one left.
    fn default() -> NewKeys {
        NewKeys {
            committed: MANY,
            written: 0,
        }
    }
}

impl NewKeys {
    pub(super) fn count(&mut self, rows: usize) {
        self.written += rows;
    }

    /// The transaction is committed.
    pub(super) fn keep(&mut self) {
        self.committed += std::mem::take(&mut self.written);
    }

    /// The transaction is over, and left no rows.
    pub(super) fn undo(&mut self) {
        self.written = 0;
    }

    /// Whether the commit that comes moves them. Whatever becomes of it, the next ones do not try again until as many more
    /// rows are there: a full database may have no room for this, and yet for them.
    pub(super) fn are_moved_now(&mut self) -> bool {
        let many = self.committed + self.written >= MANY;
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
