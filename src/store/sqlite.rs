//! An SQLite file: the settings of its connections, and the lock that keeps other processes away from it.

use super::database::Pools;
use super::file_readers::FileReaders;
use super::{OpenError, schema};
use crate::config::{Settings, make_private};
use rustix::fs::Access;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The bytes of a page of an SQLite file.
pub(super) const PAGE: u64 = 4096;
/// The suffix of the write-ahead log's name.
pub(super) const WAL: &str = "-wal";
/// The longest time for moving the write-ahead log into the file.
const MOVING: Duration = Duration::from_secs(10);
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 512;
/// The most connections for reading.
const READERS: u32 = 8;

/// How many pages a file of this many bytes may have.
pub(super) fn pages(bytes: u64) -> u64 {
    (bytes / PAGE).max(1)
}

/// The path of a file that exists or will be made, with all links resolved. So every process finds the same lock file
/// next to it.
pub(super) fn real(path: &Path) -> std::io::Result<PathBuf> {
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

/// The path of a file next to another one: with a suffix to its name.
pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Locks a file next to the database. The system releases the lock however the process ends.
pub(super) fn lock(database: &Path) -> std::result::Result<File, OpenError> {
    let path = beside(database, ".lock");
    // a FIFO would be waited for without end
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(OpenError::NoFile(path));
    }
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

/// Checks that the file and what belongs to it can be written, as far as they are there.
pub(super) fn check_writable(database: &Path) -> std::result::Result<(), OpenError> {
    for suffix in ["", WAL, "-shm"] {
        let path = beside(database, suffix);
        let refused = |error| OpenError::NotWritable(path.clone(), error);
        match path.metadata() {
            // SQLite has to make it
            Err(error) if error.kind() == ErrorKind::NotFound => check_folder(database)?,
            Err(error) => return Err(refused(error)),
            Ok(found) if !found.is_file() => return Err(OpenError::NoFile(path)),
            Ok(_) => drop(File::options().write(true).open(&path).map_err(refused)?),
        }
    }
    Ok(())
}

fn check_folder(database: &Path) -> std::result::Result<(), OpenError> {
    let Some(folder) = database.parent() else {
        return Ok(());
    };
    rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(|error| OpenError::NotWritable(folder.to_owned(), error.into()))
}

/// Moves all of the write-ahead log into the file, so that the file alone is the database. All other connections are
/// closed; then the last one removes the log.
pub(super) async fn complete(writer: &SqliteConnectOptions, file: &Path) {
    let moving = async {
        // a file that somebody removed stays away
        let mut link = writer.clone().create_if_missing(false).connect().await?;
        let (busy, ..): (i64, i64, i64) = sqlx::query_as("pragma wal_checkpoint(truncate)")
            .fetch_one(&mut link)
            .await?;
        link.close().await?;
        if busy == 0 {
            Ok(())
        } else {
            Err(sqlx::Error::PoolTimedOut)
        }
    };
    let reason = match tokio::time::timeout(MOVING, moving).await {
        Ok(Ok(())) => return,
        Ok(Err(sqlx::Error::PoolTimedOut)) => "a query still reads it".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("it took longer than {} s", MOVING.as_secs()),
    };
    tracing::warn!(
        error.message = reason,
        "{} lacks the newest commits, which are in {}: keep both files together",
        file.display(),
        beside(file, WAL).display()
    );
}

/// Creates the file if it is missing, so that only this user can read it. SQLite gives the files beside it the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    match File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The connections of readers and the options of the writer.
pub(super) async fn open(path: &Path, settings: &Settings) -> std::result::Result<Pools, OpenError> {
    let failed = |error| OpenError::Open(path.display().to_string(), error);
    let writer = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // NORMAL would lose acknowledged commits when the power fails
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        // in KiB; a commit that split a page walks over the whole cache, so a larger cache costs more than it saves
        .pragma("cache_size", "-16384")
        // otherwise the statement journal of a multi-row write spills into a file
        .pragma("temp_store", "memory")
        // in pages; a page that every group changes is copied into the database only once per checkpoint
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    create_private(path).map_err(|error| failed(sqlx::Error::Io(error)))?;
    // of an older version, or copied: the folder may be open to others
    for suffix in ["", WAL, "-shm"] {
        make_private(&beside(path, suffix));
    }
    let mut link = writer.clone().connect().await.map_err(failed)?;
    schema::migrate(&schema::SQLITE, &mut link).await?;
    link.close().await.map_err(failed)?;
    let reader = writer.clone().read_only(true).create_if_missing(false);
    let reads = FileReaders::open(&reader, settings.database_connections.min(READERS) as usize);
    let reads = reads.await.map_err(failed)?;
    // a file that is already larger keeps its size, and counts as full
    let writer = match settings.database_max_bytes {
        Some(bytes) => writer.pragma("max_page_count", pages(bytes).to_string()),
        None => writer,
    };
    Ok(Pools::Sqlite {
        reads,
        writer: Box::new(writer),
    })
}
