//! The members of workspaces, cached by `acl_version`. A group's lock returns the current version, which detects a
//! stale entry.

use crate::ops::world::Members;
use moka::sync::Cache;
use std::sync::Arc;
use taskwire_protocol::WorkspaceId;

/// The capacity of the cache: a workspace counts as one, and so does each of its members.
const MEMBERS: u64 = 200_000;

/// Members by workspace.
pub(super) struct MemberCache(Cache<WorkspaceId, Arc<Members>>);

impl MemberCache {
    pub(super) fn new() -> MemberCache {
        let weigh =
            |_: &WorkspaceId, members: &Arc<Members>| u32::try_from(members.len() + 1).unwrap_or(u32::MAX);
        MemberCache(Cache::builder().max_capacity(MEMBERS).weigher(weigh).build())
    }

    /// The members at exactly this version.
    pub(super) fn get(&self, workspace: WorkspaceId, acl_version: i64) -> Option<Arc<Members>> {
        self.0
            .get(&workspace)
            .filter(|members| members.acl_version == acl_version)
    }

    /// Stores committed members.
    pub(super) fn put(&self, workspace: WorkspaceId, members: Arc<Members>) {
        self.0.insert(workspace, members);
    }
}
