//! Shares one read among all callers that ask for the same data at the same time. Does not know what is read.
//!
//! Each read runs to its end in a separate task, even when all its callers give up. So no transaction is left half-way,
//! and no caller gets the result of a read that was suspended long ago.

use super::lock;
use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// The reads under way, by key.
pub(crate) struct Flights<K: Eq + Hash, T> {
    under_way: Mutex<HashMap<K, watch::Receiver<Option<T>>>>,
}

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Arc<Flights<K, T>> {
        Arc::new(Flights {
            under_way: Mutex::default(),
        })
    }

    /// Waits for the read of `key` that is under way; if there is none, starts `read`. `None` when the read panicked.
    pub(crate) async fn share<F>(self: &Arc<Self>, key: K, read: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (mut outcome, sender) = self.board(key.clone());
        if let Some(sender) = sender {
            let landing = Landing {
                flights: self.clone(),
                key,
            };
            let read = read();
            // not under the lock: a runtime that shuts down drops the task at once, and `Landing::drop` takes the lock
            tokio::spawn(async move {
                let value = read.await;
                drop(landing); // before the send: a caller that sees the outcome and asks again starts a new read
                let _ = sender.send(Some(value));
            });
        }
        let value = outcome.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    /// As [`Flights::share`], but the read begins after this call: waits for a read that is under way, and discards it.
    pub(crate) async fn share_fresh<F>(self: &Arc<Self>, key: K, read: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let under_way = lock(&self.under_way).get(&key).cloned();
        if let Some(mut outcome) = under_way {
            // this outcome may be too old
            let _ = outcome.wait_for(Option::is_some).await;
        }
        self.share(key, read).await
    }

    /// The receiver of the outcome; and its sender, if this caller must do the read.
    fn board(&self, key: K) -> (watch::Receiver<Option<T>>, Option<watch::Sender<Option<T>>>) {
        let mut under_way = lock(&self.under_way);
        if let Some(outcome) = under_way.get(&key) {
            return (outcome.clone(), None);
        }
        let (sender, outcome) = watch::channel(None);
        under_way.insert(key, outcome.clone());
        (outcome, Some(sender))
    }
}

/// Removes a read from the list when it ends, even by a panic.
struct Landing<K: Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.flights.under_way).remove(&self.key);
    }
}
