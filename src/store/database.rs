//! The database: which one, its epoch, and connections for readers and writers.

use super::bounds::{Bounds, STATEMENT, ending};
use super::file_readers::FileReaders;
use super::link::{Connection, Link, Reader, Source};
use super::sql::Sql;
use super::trust::{Trust, WAIT};
use super::ways::composite::RowTypes;
use super::ways::optimistic::LastCommitted;
use super::{Result, StoreError};
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool, SqlSafeStr, SqlStr, Transaction};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a query waits for a connection before it fails as UNAVAILABLE.
pub(super) const ACQUIRE: Duration = WAIT;

/// Begins a transaction of PostgreSQL that sees one snapshot.
const MOMENT: &str = "begin isolation level repeatable read, read only";

/// The database. Clones share its connections. One for a query also has the time at which the database ends its statements.
#[derive(Clone)]
pub struct Store(pub(super) Arc<Inner>, pub(super) Option<Instant>);

pub(super) struct Inner {
    pub(super) pools: Pools,
    pub(super) epoch: Arc<str>,
    /// Which connections to PostgreSQL may be dead.
    pub(super) trust: Arc<Trust>,
    /// Cancelled when the database is found in another epoch.
    pub(super) outdated: CancellationToken,
    /// How many pages an SQLite file may have.
    pub(super) most_pages: Option<u64>,
    /// The file of SQLite.
    pub(super) file: Option<PathBuf>,
    /// The file of SQLite's write-ahead log.
    pub(super) wal: Option<PathBuf>,
    /// The last write to SQLite found no room.
    pub(super) is_full: AtomicBool,
    /// When PostgreSQL last refused a write that it should take, and why.
    pub(super) refused: Mutex<Option<(Instant, &'static str)>>,
    /// Counters as the writers' last commits left them.
    pub(super) last_committed: Arc<LastCommitted>,
    /// Keeps other processes away from an SQLite file as long as the store is open.
    pub(super) _lock: Option<File>,
}

pub(super) enum Pools {
    Sqlite {
        reads: Arc<FileReaders>,
        writer: Box<SqliteConnectOptions>,
    },
    Postgres {
        reads: PgPool,
        writer: Box<PgConnectOptions>,
    },
}

impl Store {
    /// The epoch of the logs: positions are valid within one epoch.
    pub fn epoch(&self) -> Arc<str> {
        self.0.epoch.clone()
    }

    /// Waits until the database is found in another epoch than at opening. From then on writers do not connect.
    pub async fn outdated(&self) {
        self.0.outdated.cancelled().await;
    }

    /// Checks that the database is still in the epoch of its opening.
    pub async fn compare_epoch(&self) -> Result<()> {
        let mut reader = self.read().await?;
        self.keep_to(&current_epoch(reader.link()).await?)
    }

    /// Refuses another epoch: nothing that this process knows is valid there.
    fn keep_to(&self, found: &str) -> Result<()> {
        if *found == *self.0.epoch {
            return Ok(());
        }
        self.0.outdated.cancel();
        Err(StoreError::unavailable(
            "the database's epoch changed while this node was running; restart it",
        ))
    }

    /// `sqlite` or `postgres`, for health checks and messages.
    pub fn kind(&self) -> &'static str {
        match self.0.pools {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres { .. } => "postgres",
        }
    }

    /// How many of the wanted writers may write at the same time.
    pub fn writers(&self, wanted: usize) -> usize {
        match self.0.pools {
            Pools::Sqlite { .. } => 1,
            Pools::Postgres { .. } => wanted,
        }
    }

    /// Whether the database was closed.
    pub fn is_closed(&self) -> bool {
        match &self.0.pools {
            Pools::Sqlite { reads, .. } => reads.is_closed(),
            Pools::Postgres { reads, .. } => reads.is_closed(),
        }
    }

    /// Whether other processes may write to the database too.
    pub fn is_shared(&self) -> bool {
        matches!(self.0.pools, Pools::Postgres { .. })
    }

    /// The same database, which ends what is read with this clone at that time.
    #[must_use]
    pub fn until(&self, end: Instant) -> Store {
        Store(self.0.clone(), Some(end))
    }

    /// How many readers there may be at once.
    pub fn readers(&self) -> usize {
        match &self.0.pools {
            Pools::Sqlite { reads, .. } => reads.number(),
            Pools::Postgres { reads, .. } => reads.options().get_max_connections() as usize,
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Reader> {
        let (source, slot) = match &self.0.pools {
            Pools::Sqlite { reads, .. } => {
                let (link, slot) = waited(reads.acquire(self.1)).await?;
                (Source::Sqlite(link), Some(slot))
            }
            Pools::Postgres { reads, .. } => (Source::Postgres(waited(reads.acquire()).await?), None),
        };
        Ok(Reader::on(source, slot, self.trust(), self.bounds()))
    }

    /// A connection for reading whose statements all see one consistent snapshot.
    /// Await it to its end: a cancelled `begin` would leave a transaction open in the pool.
    pub async fn moment(&self) -> Result<Reader> {
        let mut bounds = self.bounds();
        let (source, slot) = match &self.0.pools {
            Pools::Sqlite { reads, .. } => {
                let (link, slot) = waited(reads.acquire(self.1)).await?;
                (
                    Source::SqliteMoment(Transaction::begin(link, None).await?),
                    Some(slot),
                )
            }
            Pools::Postgres { reads, .. } => {
                // two waits: a busy pool says nothing about its connections
                let link = waited(reads.acquire()).await?;
                let begin = match bounds.shortened()? {
                    None => SqlStr::from_static(MOMENT),
                    Some(left) => AssertSqlSafe(format!("{MOMENT}; {}", ending(left))).into_sql_str(),
                };
                let beginning = Transaction::begin(link, Some(begin));
                let begun = self.0.trust.answered(Instant::now(), beginning).await?;
                (Source::PostgresMoment(begun), None)
            }
        };
        Ok(Reader::on(source, slot, self.trust(), bounds))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            until: self.1,
            statement: STATEMENT,
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read()
            .await?
            .get::<(i64,)>(Sql::new("select cast(1 as bigint)"))
            .await
            .map(drop)
    }

    /// Which connections to PostgreSQL may be dead.
    pub(super) fn trust(&self) -> Arc<Trust> {
        self.0.trust.clone()
    }

    /// Checks the epoch on a new connection. An SQLite file needs no new one: its connections do not break.
    pub async fn reach(&self) -> Result<()> {
        match &self.0.pools {
            Pools::Sqlite { .. } => self.compare_epoch().await,
            Pools::Postgres { .. } => self.connect_writer().await.map(drop),
        }
    }

    /// Counters as the writers' last commits left them.
    pub(super) fn last_committed(&self) -> Arc<LastCommitted> {
        self.0.last_committed.clone()
    }

    pub(super) fn most_pages(&self) -> Option<u64> {
        self.0.most_pages
    }

    /// The size of SQLite's write-ahead log in bytes; `None` with PostgreSQL. After each checkpoint, every 4,000 pages,
    /// the log is overwritten from its beginning, and the file is truncated to 64 MiB. Only a long read lets it grow
    /// further.
    pub fn wal_bytes(&self) -> Option<u64> {
        let path = self.0.wal.as_ref()?;
        Some(std::fs::metadata(path).map_or(0, |file| file.len()))
    }

    /// A connection for writing, and the composite types of its database.
    pub(super) async fn connect_writer(&self) -> Result<(Connection, RowTypes)> {
        match &self.0.pools {
            Pools::Sqlite { writer, .. } => {
                Ok((Connection::Sqlite(writer.connect().await?), RowTypes::default()))
            }
            Pools::Postgres { writer, .. } => {
                // the bound includes the first queries: a server may accept a connection and then not answer
                let connecting = tokio::time::timeout(ACQUIRE, self.connect_to_postgres(writer)).await;
                connecting.map_err(|_| StoreError::silence())?
            }
        }
    }

    /// Checks the epoch first: each new connection may lead to another server.
    async fn connect_to_postgres(&self, writer: &PgConnectOptions) -> Result<(Connection, RowTypes)> {
        let mut link = writer.connect().await?;
        let asked = Link::Postgres(&mut link, &self.0.trust, Instant::now());
        self.keep_to(&current_epoch(asked).await?)?;
        let types = RowTypes::read(&mut link).await?;
        Ok((Connection::Postgres(link), types))
    }
}

/// Waits for a connection, and measures how long.
async fn waited<T>(wanted: impl Future<Output = sqlx::Result<T>>) -> Result<T> {
    let began = std::time::Instant::now();
    let outcome = wanted.await;
    metrics::histogram!("taskwire_pool_wait_seconds").record(began.elapsed().as_secs_f64());
    if let Err(sqlx::Error::PoolTimedOut) = &outcome {
        metrics::counter!("taskwire_pool_timeouts_total").increment(1);
    }
    Ok(outcome?)
}

const EPOCH_OF_SQLITE: &str = "select value from meta where key = 'epoch'";

/// The name of the file to which a server writes its write-ahead log begins with the server's timeline. The control
/// file would be late: it has the timeline of the last checkpoint, and the first checkpoint after a takeover may end
/// minutes later. A standby writes no log.
const EPOCH_OF_POSTGRES: &str = "select value || '.'
    || cast(cast('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as bit(32)) as int)
    from meta where key = 'epoch' and not pg_is_in_recovery()";

/// The epoch of a connection's database.
pub(super) async fn current_epoch(link: Link<'_>) -> Result<String> {
    let text = match link {
        Link::Sqlite(_) => EPOCH_OF_SQLITE,
        Link::Postgres(..) => EPOCH_OF_POSTGRES,
    };
    let found: Vec<(String,)> = link.fetch(text.into(), &[]).await?;
    let epoch = found.into_iter().next().map(|(epoch,)| epoch);
    epoch.ok_or_else(|| StoreError::unavailable("the database has no epoch, because its server is a standby"))
}
