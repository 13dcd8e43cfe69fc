//! What the store's functions of every entity have in common: `load` returns rows that have keys, `write` takes the
//! rows that a group changed. `ops/mod.rs` has the table of entities.

use super::{Result, StoreError};

/// A row with its key.
pub trait Keyed<K, V> {
    /// The key and the row.
    fn keyed(self) -> (K, V);
}

/// A row that a group changed.
#[derive(Debug)]
pub struct Change<'a, K, V> {
    /// The row's key.
    pub key: K,
    /// The row before the group; `None` for a new one.
    pub before: Option<&'a V>,
    /// The row now; `None` for a row to delete.
    pub now: Option<&'a V>,
}

impl<K: Copy, V> Clone for Change<'_, K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K: Copy, V> Copy for Change<'_, K, V> {}

/// The rows that a group changed, in the order of their keys.
pub trait Changes<'a, K, V: 'a>: Iterator<Item = Change<'a, K, V>> + Clone {
    /// The rows to write, new and changed ones.
    fn written(&self) -> impl Iterator<Item = (K, &'a V)> {
        self.clone().filter_map(|change| Some((change.key, change.now?)))
    }

    /// The keys of the rows to delete: they existed before the group and do not exist now.
    fn removed(&self) -> impl Iterator<Item = K> {
        let gone = |change: &Change<'a, K, V>| change.before.is_some() && change.now.is_none();
        self.clone().filter(gone).map(|change| change.key)
    }

    /// Refuses removals, for an entity whose rows are never deleted.
    fn keep_all(&self, entity: &'static str) -> Result<()> {
        match self.removed().next() {
            None => Ok(()),
            Some(_) => Err(StoreError::corrupt(format!("{entity} are never deleted"))),
        }
    }
}

impl<'a, K, V: 'a, C: Iterator<Item = Change<'a, K, V>> + Clone> Changes<'a, K, V> for C {}
