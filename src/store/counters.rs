//! A stream's counters.

/// A stream's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// The newest entry's seq.
    pub seq: i64,
    /// Grows when memberships change.
    pub acl_version: i64,
    /// In a user's stream: unread notifications.
    pub unread: i64,
    /// In a workspace's stream: tasks that are neither completed nor deleted.
    pub pending: i64,
    /// In a workspace's stream: tasks that are completed and not deleted.
    pub completed: i64,
    /// In a workspace's stream: deleted tasks that can be restored.
    pub deleted: i64,
}

impl Counters {
    /// The sum of both, counter by counter.
    #[must_use]
    pub fn plus(self, by: Counters) -> Counters {
        Counters {
            seq: self.seq + by.seq,
            acl_version: self.acl_version + by.acl_version,
            unread: self.unread + by.unread,
            pending: self.pending + by.pending,
            completed: self.completed + by.completed,
            deleted: self.deleted + by.deleted,
        }
    }
}
