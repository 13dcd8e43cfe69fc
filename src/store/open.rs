//! Which database, and opening it: settings of the connections, the lock file that keeps a second process away from
//! an SQLite file, migrations, the epoch.

use super::link::{Link, Reader, Row, Source, answered};
use super::statement::Sql;
use super::transaction::{Connection, LastCommitted, RowTypes};
use super::{Result, StoreError, epoch, postgres};
use crate::config::{DatabaseUrl, Settings};
use secrecy::ExposeSecret;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Executor, PgPool, SqlitePool};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a query waits for a connection before it is UNAVAILABLE.
pub(super) const ACQUIRE: Duration = Duration::from_secs(5);
/// Bytes of a page of an SQLite file.
const PAGE: u64 = 4096;
/// Prepared statements of a connection.
const STATEMENTS: usize = 512;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or server cannot be reached.
    #[error("cannot open the database {0}: {1}")]
    Open(String, #[source] sqlx::Error),
    /// The server takes a connection and says nothing, or nobody takes it.
    #[error("the database {0} let nobody in within {1} s: check database_url, and that the server runs")]
    Silent(String, u64),
    /// Another process serves this file.
    #[error("{0} is in use by another process; one process serves an SQLite file, PostgreSQL serves many")]
    InUse(PathBuf),
    /// The lock file cannot be made.
    #[error("cannot lock {0}: {1}")]
    Lock(PathBuf, #[source] std::io::Error),
    /// A newer version of Taskwire has changed the schema.
    #[error("the database's schema has version {0}, newer than this program; run the newer Taskwire")]
    Newer(i64),
    /// A step of the schema failed.
    #[error("cannot bring the database's schema up to date: {0}")]
    Migrate(#[source] MigrateError),
    /// `TASKWIRE_WITHOUT` names something else than a way to write.
    #[cfg(feature = "ablation")]
    #[error("TASKWIRE_WITHOUT: `{0}` is no way to write (src/store/transaction)")]
    Way(String),
    /// Reading what is there failed.
    #[error("cannot read the database: {0}")]
    Read(#[from] StoreError),
}

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pools: Pools,
    epoch: Arc<str>,
    /// The database was found in another one.
    outdated: CancellationToken,
    /// Pages that an SQLite file may have.
    most_pages: Option<u64>,
    /// SQLite's write-ahead log.
    wal: Option<PathBuf>,
    /// Counters as the writers' last commits left them.
    last_committed: Arc<LastCommitted>,
    /// Held as long as the store is: an SQLite file has one process.
    _lock: Option<File>,
}

enum Pools {
    Sqlite {
        reads: SqlitePool,
        writer: Box<SqliteConnectOptions>,
    },
    Postgres {
        reads: PgPool,
        writer: Box<PgConnectOptions>,
    },
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
                let path = real(path).map_err(|error| OpenError::Lock(path.clone(), error))?;
                let lock = lock(&path)?;
                wal = Some(beside(&path, "-wal"));
                (open_sqlite(&path, settings).await?, Some(lock))
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
            most_pages: settings.database_max_bytes.map(|bytes| (bytes / PAGE).max(1)),
            wal,
            last_committed: Arc::default(),
            _lock: lock,
        })))
    }

    /// Positions in the logs are valid within one epoch.
    pub fn epoch(&self) -> Arc<str> {
        self.0.epoch.clone()
    }

    /// Waits until the database is found in another epoch than it was opened in. Writers make no connection to it then.
    pub async fn outdated(&self) {
        self.0.outdated.cancelled().await;
    }

    /// Looks whether the database is in the epoch that it was opened in.
    pub async fn compare_epoch(&self) -> Result<()> {
        let mut reader = self.read().await?;
        self.keep_to(&epoch::current(reader.link()).await?)
    }

    /// Refuses what leads into another epoch: there nothing counts that is known here.
    fn keep_to(&self, found: &str) -> Result<()> {
        if *found == *self.0.epoch {
            return Ok(());
        }
        self.0.outdated.cancel();
        Err(StoreError::unavailable("the database has another epoch"))
    }

    /// `sqlite` or `postgres`, for people.
    pub fn kind(&self) -> &'static str {
        match self.0.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres { .. } => "postgres",
        }
    }

    /// How many may write at the same time, of those wanted.
    pub fn writers(&self, wanted: usize) -> usize {
        match self.0.pools {
            Pools::Sqlite { .. } => 1,
            Pools::Postgres { .. } => wanted,
        }
    }

    /// Whether it was closed: nothing will be read any more.
    pub fn is_closed(&self) -> bool {
        match &self.0.pools {
            Pools::Sqlite { reads, .. } => reads.is_closed(),
            Pools::Postgres { reads, .. } => reads.is_closed(),
        }
    }

    /// Whether other processes may write to it too.
    pub fn is_shared(&self) -> bool {
        matches!(self.0.pools, Pools::Postgres { .. })
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        Ok(Reader::on(match &self.0.pools {
            Pools::Sqlite { reads, .. } => Source::Sqlite(waited(reads.acquire()).await?),
            Pools::Postgres { reads, .. } => Source::Postgres(waited(reads.acquire()).await?),
        }))
    }

    /// A connection for reading that shows a single moment, however many statements run on it.
    /// Must be awaited to its end: a cancelled `begin` would leave its transaction in the pool.
    pub async fn moment(&self) -> Result<Reader> {
        Ok(Reader::on(match &self.0.pools {
            Pools::Sqlite { reads, .. } => Source::SqliteMoment(waited(reads.begin()).await?),
            Pools::Postgres { reads, .. } => {
                let begin = "begin isolation level repeatable read, read only";
                // a connection is waited for by the pool's own bound, an answer is not
                let beginning = Box::pin(async { Ok(waited(reads.begin_with(begin)).await) });
                Source::PostgresMoment(answered(beginning).await??)
            }
        }))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read()
            .await?
            .get::<(i64,)>(Sql::new("select cast(1 as bigint)"))
            .await
            .map(drop)
    }

    /// Counters as the writers' last commits left them.
    pub(super) fn last_committed(&self) -> Arc<LastCommitted> {
        self.0.last_committed.clone()
    }

    pub(super) fn most_pages(&self) -> Option<u64> {
        self.0.most_pages
    }

    /// Bytes of SQLite's write-ahead log. A checkpoint every 4,000 pages lets it begin anew, and what is longer than
    /// 64 MiB is cut off then: it stays below that, but for what is written during one read that lasts.
    pub fn wal_bytes(&self) -> Option<u64> {
        let path = self.0.wal.as_ref()?;
        Some(std::fs::metadata(path).map_or(0, |file| file.len()))
    }

    /// A connection for writing, and the types of rows of the database that it leads to.
    pub(super) async fn connect_writer(&self) -> Result<(Connection, RowTypes)> {
        match &self.0.pools {
            Pools::Sqlite { writer, .. } => {
                Ok((Connection::Sqlite(writer.connect().await?), RowTypes::default()))
            }
            Pools::Postgres { writer, .. } => {
                // what is asked first too: a server may let somebody in and then say nothing
                let connecting = tokio::time::timeout(ACQUIRE, self.connect_to_postgres(writer)).await;
                connecting.map_err(|_| StoreError::silence())?
            }
        }
    }

    /// Each new connection may lead to another server than the one before.
    async fn connect_to_postgres(&self, writer: &PgConnectOptions) -> Result<(Connection, RowTypes)> {
        let mut link = writer.connect().await?;
        self.keep_to(&epoch::current(Link::Postgres(&mut link)).await?)?;
        let types = RowTypes::read(&mut link).await?;
        Ok((Connection::Postgres(link), types))
    }

    /// Lets readers finish and closes their connections.
    pub async fn close(&self) {
        match &self.0.pools {
            Pools::Sqlite { reads, .. } => reads.close().await,
            Pools::Postgres { reads, .. } => reads.close().await,
        }
    }
}

/// Where a file is, or will be made, by way of whatever links: what lies beside it must be the same for all who use it.
fn real(path: &Path) -> std::io::Result<PathBuf> {
    match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found,
    }
    let folder = match path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Path::new("."),
    };
    if let Ok(to) = path.read_link() {
        return real(&folder.join(to));
    }
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    Ok(folder.canonicalize()?.join(name))
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// A connection, and how long it was waited for.
async fn waited<T>(wanted: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    let began = std::time::Instant::now();
    let outcome = wanted.await;
    metrics::histogram!("taskwire_pool_wait_seconds").record(began.elapsed().as_secs_f64());
    if let Err(sqlx::Error::PoolTimedOut) = &outcome {
        metrics::counter!("taskwire_pool_timeouts_total").increment(1);
    }
    Ok(outcome?)
}

/// A lock on a file beside the database, which the system releases however the process ends.
fn lock(database: &Path) -> std::result::Result<File, OpenError> {
    let path = beside(database, ".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.map_err(|error| OpenError::Lock(path.clone(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Lock(path, error)),
    }
}

async fn open_sqlite(path: &Path, settings: &Settings) -> std::result::Result<Pools, OpenError> {
    let failed = |error| OpenError::Open(path.display().to_string(), error);
    let writer = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose acknowledged commits when the power fails
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        // KiB; every commit that split a page walks over the whole cache, so more would cost more than it saves
        .pragma("cache_size", "-16384")
        // the statement journal of a multi-row write would spill into a file
        .pragma("temp_store", "memory")
        // a page that every group touches is copied back once in so many
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    let mut link = writer.clone().connect().await.map_err(failed)?;
    migrate(&SQLITE, &mut link).await?;
    link.close().await.map_err(failed)?;
    let reads = SqlitePoolOptions::new()
        .max_connections(settings.database_connections.min(8))
        .acquire_timeout(ACQUIRE)
        // how long they wait is a metric
        .acquire_slow_threshold(ACQUIRE)
        .test_before_acquire(false)
        .connect_with(writer.clone().read_only(true).create_if_missing(false))
        .await
        .map_err(failed)?;
    // a file that is larger already stays as it is, and full
    let writer = match settings.database_max_bytes {
        Some(bytes) => writer.pragma("max_page_count", (bytes / PAGE).max(1).to_string()),
        None => writer,
    };
    Ok(Pools::Sqlite {
        reads,
        writer: Box::new(writer),
    })
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

/// The epoch, which the first start makes.
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

impl Reader {
    /// One value of one row.
    pub(super) async fn scalar<T>(&mut self, sql: Sql) -> Result<Option<T>>
    where
        (T,): Row,
    {
        Ok(self.find::<(T,)>(sql).await?.map(|(value,)| value))
    }
}
