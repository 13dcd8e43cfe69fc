//! The watchers of a topic: the wakeups to mark when its head moves. Pure bookkeeping.

use super::wakeup::{Slot, Wakeup};
use std::{collections::HashSet, sync::Arc};
use taskwire_protocol::UserId;

/// The watchers of one topic.
#[derive(Default)]
pub(crate) struct Watchers {
    places: Vec<Option<(Arc<Wakeup>, Slot)>>,
    free: Vec<u32>,
}

impl Watchers {
    /// Adds a watcher; returns its key.
    pub(crate) fn add(&mut self, wakeup: Arc<Wakeup>, slot: Slot) -> u32 {
        let place = Some((wakeup, slot));
        if let Some(key) = self.free.pop() {
            self.places[key as usize] = place;
            return key;
        }
        self.places.push(place);
        self.places.len() as u32 - 1
    }

    /// Removes a watcher. True when it was the last one.
    pub(crate) fn remove(&mut self, key: u32) -> bool {
        if let Some(place) = self.places.get_mut(key as usize)
            && place.take().is_some()
        {
            self.free.push(key);
        }
        self.free.len() == self.places.len()
    }

    /// Marks up to `n` places from `key` on. Returns the key to continue from, `None` at the end.
    pub(crate) fn mark(&self, key: usize, n: usize) -> Option<usize> {
        let end = self.places.len().min(key + n);
        for (wakeup, slot) in self.places.get(key..end).unwrap_or_default().iter().flatten() {
            wakeup.mark(*slot);
        }
        (end < self.places.len()).then_some(end)
    }

    /// The users whose readers watch.
    pub(crate) fn users(&self) -> HashSet<UserId> {
        let taken = self.places.iter().flatten();
        taken.map(|(wakeup, _)| wakeup.user()).collect()
    }
}
