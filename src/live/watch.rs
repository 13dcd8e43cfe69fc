//! Adds watchers to streams, and removes them. A topic exists as long as it has a watcher.

use super::{
    hub::Hub,
    topic::Topic,
    wakeup::{Slot, Wakeup},
};
use std::sync::{Arc, PoisonError};
use taskwire_protocol::StreamId;

impl Hub {
    /// Watches a stream. Call it before the head is read, so that no frame between the two is missed.
    pub(crate) fn watch(self: &Arc<Hub>, stream: StreamId, wakeup: &Arc<Wakeup>, slot: Slot) -> Watch {
        // both under one lock: otherwise the topic could be removed before the watcher is added
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            self.bus.join(stream);
            Arc::new(Topic::new(stream, self.next_id(), self.budget.clone()))
        };
        let topic = topics.entry(stream).or_insert_with(new).clone();
        let key = topic.watch(wakeup.clone(), slot);
        self.meters.topics.set(topics.len() as f64);
        Watch {
            hub: self.clone(),
            topic,
            key,
        }
    }
}

/// A place among the watchers of a topic. Dropping it removes the watcher; the last one also removes the topic.
pub(crate) struct Watch {
    pub(crate) hub: Arc<Hub>,
    pub(crate) topic: Arc<Topic>,
    key: u32,
}

impl Drop for Watch {
    fn drop(&mut self) {
        let gone = {
            let mut topics = self.hub.topics.write().unwrap_or_else(PoisonError::into_inner);
            let gone = self.topic.unwatch(self.key).then(|| {
                self.hub.bus.leave(self.topic.stream);
                topics.remove(&self.topic.stream)
            });
            self.hub.meters.topics.set(topics.len() as f64);
            gone
        };
        drop(gone); // frees the ring's memory outside the lock
    }
}
