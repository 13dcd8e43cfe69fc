//! SQLite's keys in two trees. A key by stream or by workspace lies elsewhere for each of them, so that in one tree every
//! row of a group would change a page of its own. New keys go into a small tree instead, all into the same few pages, and
//! the writer moves them to the large one many at a time, when they share its pages too. Views show both as one:
//! `log_by_stream`, `notifications_by_user` and `tasks_by_workspace` in the schema.

/// New keys are moved when this many rows were written, of whatever table: the small trees stay at about ten pages.
const MANY: usize = 4096;

/// Moves the keys, in their order.
pub(super) static MOVE: [&str; 6] = [
    "insert or rollback into log_keys (stream, seq, number) select stream, seq, number from log_keys_new order by stream, seq",
    "delete from log_keys_new",
    "insert or rollback into notification_keys (user_id, id, number)
     select user_id, id, number from notification_keys_new order by user_id, id",
    "delete from notification_keys_new",
    "insert or rollback into task_keys (workspace_id, created_at, id, dated_by_id, number)
     select workspace_id, created_at, id, dated_by_id, number from task_keys_new order by workspace_id, created_at, id",
    "delete from task_keys_new",
];

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
