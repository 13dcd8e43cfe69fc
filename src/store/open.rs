//! Opens the database of the settings, and closes it.

use super::database::{Inner, Pools, Store, current_epoch};
use super::link::Link;
use super::trust::Trust;
use super::{OpenError, Result, addresses, postgres, sqlite};
use crate::config::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use sqlx::{ConnectOptions, Connection as _, Executor};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

impl Store {
    /// Opens the database of the settings, brings its schema up to date, and reads its epoch.
    pub async fn open(settings: &Settings) -> std::result::Result<Store, OpenError> {
        #[cfg(feature = "ablation")]
        if let Some(name) = super::ways::unknown() {
            return Err(OpenError::Way(name));
        }
        let mut file = None;
        let trust = Arc::new(Trust::new());
        let (pools, lock) = match &settings.database_url {
            DatabaseUrl::Sqlite { path } => {
                let path = sqlite::real(path).map_err(|error| OpenError::Lock(path.clone(), error))?;
                let lock = sqlite::lock(&path)?;
                sqlite::check_writable(&path)?;
                let pools = sqlite::open(&path, settings).await?;
                file = Some(path);
                (pools, Some(lock))
            }
            DatabaseUrl::Postgres { url } => {
                let opened = postgres::open(url.expose_secret(), settings.database_connections, &trust);
                let (reads, writer) = opened.await?;
                let writer = Box::new(writer);
                (Pools::Postgres { reads, writer }, None)
            }
        };
        addresses::key(&pools, &trust).await?;
        let epoch = found_or_made(&pools, &trust).await?;
        let inner = Arc::new(Inner {
            pools,
            epoch: epoch.into(),
            trust,
            outdated: CancellationToken::new(),
            most_pages: settings.database_max_bytes.map(sqlite::pages),
            wal: file.as_deref().map(|file| sqlite::beside(file, sqlite::WAL)),
            file,
            is_full: AtomicBool::new(false),
            refused: Mutex::default(),
            last_committed: Arc::default(),
            _lock: lock,
        });
        Ok(Store(inner, None))
    }

    /// Closes the connections of readers; `patience` is their time to finish. An SQLite file is complete afterwards:
    /// the writer, which has closed its connection, left its last commits in the write-ahead log, and readers cannot
    /// move them.
    pub async fn close(&self, patience: Duration) {
        let closed = match &self.0.pools {
            Pools::Sqlite { reads, .. } => tokio::time::timeout(patience, reads.close()).await,
            Pools::Postgres { reads, .. } => tokio::time::timeout(patience, reads.close()).await,
        };
        if closed.is_err() {
            tracing::warn!("a query did not finish in time; its connection to the database is cut");
        }
        if let (Pools::Sqlite { writer, .. }, Some(file)) = (&self.0.pools, &self.0.file) {
            sqlite::complete(writer, file).await;
        }
    }
}

/// Reads the epoch. The first start makes it.
async fn found_or_made(pools: &Pools, trust: &Trust) -> Result<String> {
    let made = Uuid::new_v4();
    let insert =
        format!("insert into meta (key, value) values ('epoch', '{made}') on conflict (key) do nothing");
    match pools {
        Pools::Sqlite { reads, writer } => {
            let mut link = writer.connect().await?;
            link.execute(sqlx::AssertSqlSafe(insert)).await?;
            link.close().await?;
            let (mut link, _slot) = reads.acquire(None).await?;
            current_epoch(Link::Sqlite(&mut link)).await
        }
        Pools::Postgres { reads, .. } => {
            let mut link = reads.acquire().await?;
            let opened = Instant::now();
            let inserting = link.execute(sqlx::AssertSqlSafe(insert));
            trust.answered(opened, inserting).await?;
            current_epoch(Link::Postgres(&mut link, trust, opened)).await
        }
    }
}
