//! One read for all who want the same thing at the same time. Does not know what is read.
//!
//! Each read runs to its end in a task of its own, even when all who wait for it give up. So no transaction is left
//! half-way, and nobody gets the result of a read that was suspended long ago.

use super::lock;
use std::{
    collections::HashMap,
    future::Future,
    hash::Hash,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// The reads under way, by what they read.
pub(crate) struct Flights<K: Eq + Hash, T> {
    under_way: Mutex<HashMap<K, watch::Receiver<Option<T>>>>,
}

impl<K, T> Flights<K, T>
where
    K: Copy + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(crate) fn new() -> Arc<Flights<K, T>> {
        Arc::new(Flights {
            under_way: Mutex::default(),
        })
    }

    /// Waits for the read under way for `key`; without one, starts `read`. `None` when the read panicked.
    pub(crate) async fn share<F>(self: &Arc<Self>, key: K, read: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let (mut outcome, takes_off) = self.board(key);
        if let Some(tell) = takes_off {
            let landing = Landing {
                flights: self.clone(),
                key,
            };
            let read = read();
            // not under the lock: a runtime that shuts down drops the task at once, and the landing takes the lock then
            tokio::spawn(async move {
                let value = read.await;
                drop(landing); // first: a caller that comes after the outcome starts a new read
                let _ = tell.send(Some(value));
            });
        }
        let value = outcome.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    /// As [`Flights::share`], but the read begins after this call: one that is under way is waited for and discarded.
    pub(crate) async fn share_fresh<F>(self: &Arc<Self>, key: K, read: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let under_way = lock(&self.under_way).get(&key).cloned();
        if let Some(mut outcome) = under_way {
            // its outcome is discarded
            let _ = outcome.wait_for(Option::is_some).await;
        }
        self.share(key, read).await
    }

    /// Where the outcome will appear; and where to send it, if this caller must do the read.
    fn board(&self, key: K) -> (watch::Receiver<Option<T>>, Option<watch::Sender<Option<T>>>) {
        let mut under_way = lock(&self.under_way);
        if let Some(outcome) = under_way.get(&key) {
            return (outcome.clone(), None);
        }
        let (tell, outcome) = watch::channel(None);
        under_way.insert(key, outcome.clone());
        (outcome, Some(tell))
    }
}

/// Removes a read from the list when it ends, by a panic too.
struct Landing<K: Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.flights.under_way).remove(&self.key);
    }
}
