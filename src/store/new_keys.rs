//! SQLite's keys in two trees. A key by stream or by workspace lies elsewhere for each of them, so that in one tree every
//! row of a group would change a page of its own. New keys go into a small tree instead, all into the same few pages, and
//! the writer moves them to the large one many at a time, when they share its pages too. Views show both as one:
//! `log_by_stream`, `notifications_by_user` and `tasks_by_workspace` in the schema.

/// New keys are moved when this many rows were written, of whatever table: the small trees stay at about ten pages.
const MANY: usize = 4096;

/// Moves the keys, in their order.
pub(super) const MOVE: &str = include_str!("move_keys.sql");

/// How many rows were written since keys were moved.
pub(super) struct NewKeys(usize);

impl Default for NewKeys {
    /// Nobody knows what the process before this one left.
    fn default() -> NewKeys {
        NewKeys(MANY)
    }
}

impl NewKeys {
    pub(super) fn none() -> NewKeys {
        NewKeys(0)
    }

    pub(super) fn count(&mut self, rows: usize) {
        self.0 += rows;
    }

    pub(super) fn are_many(&self) -> bool {
        self.0 >= MANY
    }
}
