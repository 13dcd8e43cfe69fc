//! The tags of workspaces by their keys. Memory has what a workspace has under each key that a mutation of the group needs,
//! and the tags that mutations name by id.

use super::World;
use crate::store::tags::Named;
use crate::unicode::name_key;
use foldhash::HashMap;
use std::sync::Arc;
use taskwire_protocol::tag::Tag;
use taskwire_protocol::{TagId, WorkspaceId};

/// What is known of tags besides their rows.
#[derive(Clone, Default)]
pub(super) struct KnownTags {
    by_key: HashMap<(WorkspaceId, String), TagId>,
    /// How tasks write a tag that has no row yet.
    carried: HashMap<(WorkspaceId, String), Arc<str>>,
    /// How many tags a workspace has. Absent if every key had a tag: then the group can make a tag only after removing
    /// one, which cannot exceed the limit.
    numbers: HashMap<WorkspaceId, u64>,
}

impl World {
    /// Sets what a workspace has under a key.
    pub fn loaded_name(&mut self, workspace: WorkspaceId, key: String, named: Named) {
        match named {
            Named::Tag(tag) => {
                self.known_tags.by_key.insert((workspace, key), tag.id);
                self.tags.loaded(tag);
            }
            Named::Free { carried, tags } => {
                self.known_tags.numbers.insert(workspace, tags);
                if let Some(carried) = carried {
                    self.known_tags.carried.insert((workspace, key), carried);
                }
            }
        }
    }

    /// The tag of a workspace with this key.
    pub(in crate::ops) fn tag_named(&self, workspace: WorkspaceId, key: &str) -> Option<&Tag> {
        let id = self.known_tags.by_key.get(&(workspace, key.to_owned()))?;
        self.tags.get(*id)
    }

    /// How tasks write a tag with this key that has no row yet.
    pub(in crate::ops) fn carried(&self, workspace: WorkspaceId, key: &str) -> Option<Arc<str>> {
        let carried = &self.known_tags.carried;
        carried.get(&(workspace, key.to_owned())).cloned()
    }

    /// How many tags a workspace has, as far as it matters.
    pub(in crate::ops) fn number_of_tags(&self, workspace: WorkspaceId) -> u64 {
        let numbers = &self.known_tags.numbers;
        numbers.get(&workspace).copied().unwrap_or_default()
    }

    /// Writes a tag.
    pub(in crate::ops) fn put_tag(&mut self, tag: Tag) {
        let (workspace, id) = (tag.workspace_id, tag.id);
        let key = name_key(&tag.name);
        match self.tags.get(id) {
            Some(before) => {
                let before = name_key(&before.name);
                self.forget_key(workspace, before, id);
            }
            None => self.count_tag(workspace, 1),
        }
        self.known_tags.by_key.insert((workspace, key), id);
        self.tags.put(tag);
    }

    /// Removes a tag.
    pub(in crate::ops) fn remove_tag(&mut self, id: TagId) {
        if let Some(tag) = self.tags.remove(id) {
            self.forget_key(tag.workspace_id, name_key(&tag.name), id);
            self.count_tag(tag.workspace_id, -1);
        }
    }

    fn forget_key(&mut self, workspace: WorkspaceId, key: String, id: TagId) {
        let place = (workspace, key);
        if self.known_tags.by_key.get(&place) == Some(&id) {
            self.known_tags.by_key.remove(&place);
        }
        // no task has it any more
        self.known_tags.carried.remove(&place);
    }

    fn count_tag(&mut self, workspace: WorkspaceId, change: i64) {
        if let Some(number) = self.known_tags.numbers.get_mut(&workspace) {
            *number = number.saturating_add_signed(change);
        }
    }
}
