//! The one task that marks the watchers of moved topics, so that writers do not have to. With one timer for all topics
//! it also ends the wait for late frames, and it bounds the memory of the rings.

use super::{hub::Hub, lock, topic::Topic};
use std::sync::{Arc, PoisonError, atomic::Ordering};
use tokio::time::Instant;

/// How many watchers are marked before their tasks get a turn. Few, so that the runtime's local queue holds all of
/// them. Each delivery fetches kilobytes; with few, the memory that marking touched is still in the processor's cache.
const CHUNK: usize = 32;

impl Hub {
    /// Marks the watchers of moved topics, for ever. Run it in one task for each hub: without it no reader is woken.
    pub async fn fan_out(self: Arc<Hub>) {
        let mut batch = Vec::new();
        loop {
            self.wait_for_news().await;
            self.stop_waiting(Instant::now());
            self.trim_rings();
            std::mem::swap(&mut batch, &mut *lock(&self.moved));
            for topic in batch.drain(..) {
                mark_watchers(&topic).await;
            }
            self.meters
                .ring_bytes
                .set(self.budget.taken.load(Ordering::Relaxed) as f64);
        }
    }

    async fn wait_for_news(&self) {
        let deadline = lock(&self.late)
            .first_key_value()
            .map(|((deadline, _), _)| *deadline);
        match deadline {
            None => self.news.notified().await,
            Some(deadline) => {
                // the wait ends at the deadline or at news; both are handled alike
                let _ = tokio::time::timeout_at(deadline, self.news.notified()).await;
            }
        }
    }

    /// Handles the deadlines that have passed: a topic that waited long enough for a frame sends its readers to the
    /// log.
    fn stop_waiting(&self, now: Instant) {
        loop {
            let topic = {
                let mut late = lock(&self.late);
                match late.first_entry() {
                    Some(entry) if entry.key().0 <= now => entry.remove(),
                    _ => return,
                }
            };
            let news = topic.late(now);
            if news.moved {
                self.meters.gaps.increment(1);
            }
            self.attend(&topic, news);
        }
    }

    /// When the rings exceed the budget, empties the least recently used ones until seven eighths of it are taken. So
    /// the search through all topics is rare and costs almost nothing.
    pub(crate) fn trim_rings(&self) {
        let taken = || self.budget.taken.load(Ordering::Relaxed);
        if taken() <= self.ring_bytes {
            return;
        }
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut rings: Vec<(u64, Arc<Topic>)> = topics
            .values()
            .filter_map(|topic| {
                let (used, bytes) = topic.usage();
                (bytes > 0).then(|| (used, topic.clone()))
            })
            .collect();
        drop(topics);
        rings.sort_unstable_by_key(|(used, _)| *used);
        for (_, topic) in rings {
            if taken() <= self.ring_bytes - self.ring_bytes / 8 {
                break;
            }
            topic.drop_frames();
        }
    }
}

async fn mark_watchers(topic: &Topic) {
    topic.leave_queue(); // before marking: a change during the marking must queue the topic again
    let mut from = Some(0);
    while let Some(key) = from {
        from = topic.mark(key, CHUNK);
        if from.is_some() {
            tokio::task::yield_now().await;
        }
    }
}
