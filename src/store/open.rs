//! Opening the database: migrations, the epoch, and why it cannot be used.

use super::database::{Inner, Pools, Store};
use super::link::Link;
use super::{Result, StoreError, epoch, postgres, sqlite};
use crate::config::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{ConnectOptions, Executor};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a query waits for a connection before it fails as UNAVAILABLE.
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or server cannot be reached.
    #[error("cannot open the database {0}: {1}")]
    Open(String, #[source] sqlx::Error),
    /// The server does not accept a connection, or accepts it and does not answer.
    #[error("the database {0} did not answer within {1} s; check database_url, and that the server runs")]
    Silent(String, u64),
    /// Another process serves this file.
    #[error("{0} is in use by another process: an SQLite file serves one process, PostgreSQL serves many")]
    InUse(PathBuf),
    /// The lock file cannot be made or locked.
    #[error("cannot lock {0}: {1}")]
    Lock(PathBuf, #[source] std::io::Error),
    /// A newer version of Taskwire has changed the schema.
    #[error("the database's schema has version {0}, newer than this program; run a newer Taskwire")]
    Newer(i64),
    /// A step of the schema failed.
    #[error("cannot bring the database's schema up to date: {0}")]
    Migrate(#[source] MigrateError),
    /// `TASKWIRE_WITHOUT` names something that is no way to write.
    #[cfg(feature = "ablation")]
    #[error("TASKWIRE_WITHOUT: `{0}` is no way to write (src/store/transaction)")]
    Way(String),
    /// Reading the epoch or the settings failed.
    #[error("cannot read the database: {0}")]
    Read(#[from] StoreError),
}

impl Store {
    /// Opens the database of the settings, brings its schema up to date, and reads its epoch.
    pub async fn open(settings: &Settings) -> std::result::Result<Store, OpenError> {
        #[cfg(feature = "ablation")]
        if let Some(name) = super::transaction::ways::unknown() {
            return Err(OpenError::Way(name));
        }
        let mut wal = None;
        let (pools, lock) = match &settings.database_url {
            DatabaseUrl::Sqlite { path } => {
                let path = sqlite::real(path).map_err(|error| OpenError::Lock(path.clone(), error))?;
                let lock = sqlite::lock(&path)?;
                wal = Some(sqlite::beside(&path, "-wal"));
                (sqlite::open(&path, settings).await?, Some(lock))
            }
            DatabaseUrl::Postgres { url } => {
                let opened = postgres::open(url.expose_secret(), settings.database_connections).await;
                let (reads, writer) = opened?;
                let writer = Box::new(writer);
                (Pools::Postgres { reads, writer }, None)
            }
        };
        let epoch = found_or_made(&pools).await?;
        Ok(Store(Arc::new(Inner {
            pools,
            epoch: epoch.into(),
            outdated: CancellationToken::new(),
            most_pages: settings.database_max_bytes.map(sqlite::pages),
            wal,
            last_committed: Arc::default(),
            _lock: lock,
        })))
    }
}

pub(super) async fn migrate<'a, C>(migrator: &Migrator, link: &'a mut C) -> std::result::Result<(), OpenError>
where
    &'a mut C: sqlx::Acquire<'a>,
    <&'a mut C as sqlx::Acquire<'a>>::Database: sqlx::Database,
    <<&'a mut C as sqlx::Acquire<'a>>::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    migrator.run(link).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _) => {
            OpenError::Newer(version)
        }
        other => OpenError::Migrate(other),
    })
}

/// Reads the epoch. The first start makes it.
async fn found_or_made(pools: &Pools) -> Result<String> {
    let made = Uuid::new_v4();
    let insert =
        format!("insert into meta (key, value) values ('epoch', '{made}') on conflict (key) do nothing");
    match pools {
        Pools::Sqlite { reads, writer } => {
            writer
                .connect()
                .await?
                .execute(sqlx::AssertSqlSafe(insert))
                .await?;
            let mut link = reads.acquire().await?;
            epoch::current(Link::Sqlite(&mut link)).await
        }
        Pools::Postgres { reads, .. } => {
            reads.execute(sqlx::AssertSqlSafe(insert)).await?;
            let mut link = reads.acquire().await?;
            epoch::current(Link::Postgres(&mut link)).await
        }
    }
}
