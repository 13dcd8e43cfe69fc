//! Connects the engine to the live streams: starts the hub to which groups are published, and reads the log for readers
//! that are behind.

use super::EngineError;
use crate::auth::instances;
use crate::auth::limits::{Limits, units};
use crate::clock::Clock;
use crate::config::Settings;
use crate::live::{Frame, Hub, Log, LogRange, LogUnavailable, Reading, Redis, RedisOptions, RingLimits};
use crate::store::{Store, log, streams};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::{StreamId, UserId};

/// The hub over the stored log, with its background tasks. On a shared database, entries of other instances arrive
/// through Redis if it is set; comparing heads finds those that do not arrive. `secret` and `previous` are the keys of the
/// deployment, which all instances have.
pub(super) fn hub(
    settings: &Settings,
    store: &Store,
    (secret, previous): (&SecretString, Option<&SecretString>),
    clock: &Clock,
    limits: Arc<Limits>,
) -> Result<Arc<Hub>, EngineError> {
    let log = Arc::new(StoredLog {
        store: store.clone(),
        limits,
    });
    let limits = RingLimits {
        bytes_per_topic: settings.ring_bytes_per_topic,
        budget: settings.ring_budget_bytes,
    };
    let hub = match &settings.redis_url {
        Some(url) if store.is_shared() => {
            let redis = Redis::new(&RedisOptions {
                url: url.clone(),
                prefix: settings.redis_prefix.clone(),
                epoch: store.epoch(),
                instance: rand::random(),
                keys: instances::keys(secret, previous, &store.epoch()),
                clock: clock.clone(),
            })?;
            let start = redis.start()?;
            let hub = Hub::with_bus(log, limits, Box::new(redis));
            start(hub.clone());
            hub
        }
        url => {
            if url.is_some() {
                tracing::warn!("redis_url is ignored: an SQLite database serves a single instance");
            }
            Hub::new(log, limits)
        }
    };
    tokio::spawn(hub.clone().fan_out());
    if store.is_shared() {
        tokio::spawn(hub.clone().keep_comparing());
    }
    Ok(hub)
}

/// The stored log, as the live streams read it.
pub(super) struct StoredLog {
    store: Store,
    limits: Arc<Limits>,
}

impl StoredLog {
    fn unavailable(error: &crate::store::StoreError) -> LogUnavailable {
        tracing::warn!(error = %error, "the log cannot be read");
        LogUnavailable
    }
}

impl Log for StoredLog {
    fn range(&self, stream: StreamId) -> Reading<'_, LogRange> {
        let store = self.store.clone();
        Box::pin(async move {
            // a read that is dropped halfway could leave an open transaction in the pool; a task always runs to its end
            let read = tokio::spawn(async move { log::range(&mut store.read().await?, stream).await });
            let range = read.await.map_err(|_| LogUnavailable)?;
            let (tail, head) = range.map_err(|error| StoredLog::unavailable(&error))?;
            Ok(LogRange {
                tail: tail as u64,
                head: head as u64,
            })
        })
    }

    fn page(&self, stream: StreamId, after: u64, limit: usize) -> Reading<'_, Vec<(u64, Frame)>> {
        let store = self.store.clone();
        Box::pin(async move {
            let read = tokio::spawn(async move {
                log::page(&mut store.read().await?, stream, after as i64, limit as i64).await
            });
            let page = read.await.map_err(|_| LogUnavailable)?;
            let page = page.map_err(|error| StoredLog::unavailable(&error))?;
            Ok(page
                .into_iter()
                .map(|(seq, frame)| (seq as u64, Frame::from(frame)))
                .collect())
        })
    }

    fn pause(&self, user: UserId) -> Duration {
        Duration::from_millis(self.limits.queue(&self.limits.reader(user)))
    }

    fn was_read(&self, user: UserId, bytes: usize) {
        let units = units::of_bytes(bytes);
        if units > 0 {
            self.limits.owe(&self.limits.reader(user), units);
        }
    }

    fn heads(&self, streams: Vec<StreamId>) -> Reading<'_, Vec<(StreamId, u64)>> {
        let store = self.store.clone();
        Box::pin(async move {
            let read = tokio::spawn(async move { streams::heads(&mut store.read().await?, &streams).await });
            let heads = read.await.map_err(|_| LogUnavailable)?;
            let heads = heads.map_err(|error| StoredLog::unavailable(&error))?;
            Ok(heads
                .into_iter()
                .map(|(stream, head)| (stream, head as u64))
                .collect())
        })
    }
}
