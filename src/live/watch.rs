//! Watching a stream: a topic exists as long as a reader watches it.

use super::{
    hub::Hub,
    topic::Topic,
    wakeup::{Slot, Wakeup},
};
use std::sync::{Arc, PoisonError};
use taskwire_protocol::StreamId;

impl Hub {
    /// Watches a stream. The watch is in place before the head is read, so that no frame falls between.
    pub(crate) fn watch(self: &Arc<Hub>, stream: StreamId, wakeup: &Arc<Wakeup>, slot: Slot) -> Watch {
        // entry and watcher under one lock, or the topic could go in between
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

/// A place among the watchers of a topic, left when it is dropped. The last one to leave removes the topic.
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
        drop(gone); // the ring's memory is given back outside the lock
    }
}
