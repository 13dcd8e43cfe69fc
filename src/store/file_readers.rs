//! The connections that read an SQLite file. Each is a pool of its own, so that it is known which one a reader has: SQLite
//! ends a statement of it when that reader's time is over. Does not know what is read.

use super::trust::WAIT;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{Result, Sqlite};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// SQLite looks at the time after so many steps of a statement, which take a tenth of a millisecond or so.
const STEPS: i32 = 4096;
/// The end of a reader whose time is not bounded.
const NEVER: u64 = u64::MAX;

/// The connections.
pub(super) struct FileReaders {
    begun: Instant,
    links: Vec<One>,
    /// The numbers of those that nobody has; the last one was given back last.
    free: Mutex<Vec<usize>>,
    places: Arc<Semaphore>,
}

struct One {
    pool: SqlitePool,
    /// When its statements end: nanoseconds since `begun`.
    until: Arc<AtomicU64>,
}

/// The right to one of the connections, until it is dropped.
pub(super) struct Slot {
    readers: Arc<FileReaders>,
    number: usize,
    _place: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.readers.free().push(self.number);
    }
}

impl FileReaders {
    /// Connections with these options, at most so many. Opens the first one.
    pub(super) async fn open(options: &SqliteConnectOptions, number: usize) -> Result<Arc<FileReaders>> {
        let begun = Instant::now();
        let readers = Arc::new(FileReaders {
            begun,
            links: (0..number).map(|_| one(options, begun)).collect(),
            free: Mutex::new((0..number).rev().collect()),
            places: Arc::new(Semaphore::new(number)),
        });
        readers.acquire(None).await?;
        Ok(readers)
    }

    /// A connection that reads until then.
    pub(super) async fn acquire(
        self: &Arc<FileReaders>,
        until: Option<Instant>,
    ) -> Result<(PoolConnection<Sqlite>, Slot)> {
        let slot = tokio::time::timeout(WAIT, self.slot());
        let slot = slot.await.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let one = self.links.get(slot.number).ok_or(sqlx::Error::PoolClosed)?;
        let link = one.pool.acquire().await?;
        // not earlier: until the connection is back in its pool, it may run a statement of the reader before
        let until = until.map_or(NEVER, |until| nanoseconds(self.begun, until));
        one.until.store(until, Ordering::Relaxed);
        Ok((link, slot))
    }

    async fn slot(self: &Arc<FileReaders>) -> Result<Slot> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let mut free = self.free();
        let last = |wanted: fn(&SqlitePool) -> bool| {
            let is_wanted = |number: &usize| self.links.get(*number).is_some_and(|one| wanted(&one.pool));
            free.iter().rposition(is_wanted)
        };
        // one that is on its way back to its pool is not idle yet; then another one is opened, as long as there is one
        let best = last(|pool| pool.num_idle() > 0).or_else(|| last(|pool| pool.size() == 0));
        let at = best.unwrap_or(0);
        let number = if at < free.len() {
            free.remove(at)
        } else {
            return Err(sqlx::Error::PoolTimedOut);
        };
        drop(free);
        Ok(Slot {
            readers: self.clone(),
            number,
            _place: place,
        })
    }

    /// How many connections there are at most.
    pub(super) fn number(&self) -> usize {
        self.links.len()
    }

    /// Closes all connections, each when its reader is done.
    pub(super) async fn close(&self) {
        self.places.close();
        // each pool is closed from its call on, before it is waited for
        let closing: Vec<_> = self.links.iter().map(|one| one.pool.close()).collect();
        for closed in closing {
            closed.await;
        }
    }

    /// Whether the connections were closed.
    pub(super) fn is_closed(&self) -> bool {
        self.places.is_closed()
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn one(options: &SqliteConnectOptions, begun: Instant) -> One {
    let until = Arc::new(AtomicU64::new(NEVER));
    let watched = until.clone();
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(WAIT)
        // a metric tells how long queries wait
        .acquire_slow_threshold(WAIT)
        .test_before_acquire(false)
        .after_connect(move |link, _| {
            let until = watched.clone();
            Box::pin(async move {
                let mut handle = link.lock_handle().await?;
                handle.set_progress_handler(STEPS, move || {
                    let until = until.load(Ordering::Relaxed);
                    until == NEVER || nanoseconds(begun, Instant::now()) < until
                });
                Ok(())
            })
        })
        .connect_lazy_with(options.clone());
    One { pool, until }
}

fn nanoseconds(begun: Instant, until: Instant) -> u64 {
    let since: Duration = until.saturating_duration_since(begun);
    u64::try_from(since.as_nanos()).unwrap_or(NEVER)
}
