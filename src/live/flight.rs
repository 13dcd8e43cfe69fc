//! Many who want the same thing at the same time share one read. Does not know what is read.
//!
//! Each read runs in a task of its own and to its end, whoever gives up waiting for it: a database is not left in the
//! middle of something, and a read that nobody waits for any longer is never taken up again when it has grown stale.

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

    /// What the read under way for `key` gives, or else what `read` does. `None`: it panicked.
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
            // not under the lock: a runtime that is shutting down drops the task, and so the landing, right here
            tokio::spawn(async move {
                let value = read.await;
                drop(landing); // first, so that who comes after the outcome reads anew
                let _ = tell.send(Some(value));
            });
        }
        let value = outcome.wait_for(Option::is_some).await.ok()?;
        value.clone()
    }

    /// As [`Flights::share`], but by a read that begins after the call: what is under way already is waited out.
    pub(crate) async fn share_anew<F>(self: &Arc<Self>, key: K, read: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let under_way = lock(&self.under_way).get(&key).cloned();
        if let Some(mut outcome) = under_way {
            // however it ends, it is not what is wanted
            let _ = outcome.wait_for(Option::is_some).await;
        }
        self.share(key, read).await
    }

    /// Where the outcome will be, and, when nothing is under way, where to tell it.
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

/// Takes a read from the list when it ends, however it ends.
struct Landing<K: Eq + Hash, T> {
    flights: Arc<Flights<K, T>>,
    key: K,
}

impl<K: Eq + Hash, T> Drop for Landing<K, T> {
    fn drop(&mut self) {
        lock(&self.flights.under_way).remove(&self.key);
    }
}
