//! What a group holds in memory: the rows of a table, each as it is now and, if changed, also as it was; and a
//! workspace's members and stages.
//!
//! A row that was removed and inserted again looks like a changed row. Where that makes a difference for the write (a
//! changed task keeps its workspace and its creation), the mutation refuses to insert it.

use crate::store::entity::{Change, Keyed};
use foldhash::{HashMap, HashMapExt};
use std::collections::BTreeMap;
use std::hash::Hash;
use taskwire_protocol::UserId;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::stage::Stages;

/// Rows of one table as they are now, and the changed ones also as they were.
#[derive(Clone, Debug)]
pub struct Rows<K, V> {
    now: HashMap<K, V>,
    was: BTreeMap<K, Option<V>>,
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Rows {
            now: HashMap::new(),
            was: BTreeMap::new(),
        }
    }
}

impl<K: Copy + Ord + Hash, V: Clone> Rows<K, V> {
    /// Adds a row as the database has it.
    pub fn loaded(&mut self, row: impl Keyed<K, V>) {
        let (key, row) = row.keyed();
        self.now.insert(key, row);
    }

    /// The row, if there is one.
    pub fn get(&self, key: K) -> Option<&V> {
        self.now.get(&key)
    }

    /// Every row in memory.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.now.iter()
    }

    /// Inserts or replaces a row. Returns the row as it was before the group changed it.
    pub(super) fn put(&mut self, row: impl Keyed<K, V>) -> Option<&V> {
        let (key, row) = row.keyed();
        let before = self.now.insert(key, row);
        self.was.entry(key).or_insert(before).as_ref()
    }

    /// Removes a row and returns it.
    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let before = self.now.remove(&key);
        self.was.entry(key).or_insert_with(|| before.clone());
        before
    }

    /// Whether nothing changed.
    pub fn is_unchanged(&self) -> bool {
        self.was.is_empty()
    }

    /// The rows that changed.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_, K, V>> + Clone {
        self.was.iter().map(|(key, before)| Change {
            key: *key,
            before: before.as_ref(),
            now: self.now.get(key),
        })
    }
}

/// The members of a workspace, and its stages, at one `acl_version`: what a group needs of a workspace to authorize and
/// to decide on tasks.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Grows with every change of the members or the stages.
    pub acl_version: i64,
    /// The workspace's stages.
    pub(super) stages: Stages,
    pub(super) by_user: HashMap<UserId, Member>,
}

impl Members {
    /// The members and stages as the database has them.
    pub fn new(acl_version: i64, stages: Stages, members: impl IntoIterator<Item = Member>) -> Members {
        Members {
            acl_version,
            stages,
            by_user: members
                .into_iter()
                .map(|member| (member.user.id, member))
                .collect(),
        }
    }

    /// The workspace's stages.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    pub fn get(&self, user: UserId) -> Option<&Member> {
        self.by_user.get(&user)
    }

    /// A user's role here.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.get(user).map(|member| member.role)
    }

    /// Every member, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_user.values()
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.by_user.len()
    }

    /// Whether there are no members: then the workspace does not exist.
    pub fn is_empty(&self) -> bool {
        self.by_user.is_empty()
    }

    /// How many members have this role.
    pub fn count(&self, role: Role) -> usize {
        self.by_user.values().filter(|member| member.role == role).count()
    }
}
