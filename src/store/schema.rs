//! Brings the schema up to date, and has the reasons why a database cannot be opened.

use super::StoreError;
use sqlx::migrate::{MigrateError, Migrator};
use std::path::PathBuf;

pub(super) static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or server cannot be reached.
    #[error("cannot open the database {0}: {1}; check database_url")]
    Open(String, #[source] sqlx::Error),
    /// The server does not accept a connection, or accepts it and does not answer.
    #[error("the database {0} did not answer within {1} s; check database_url, and that the server runs")]
    Silent(String, u64),
    /// Another process serves this file.
    #[error("{0} is in use by another process: an SQLite file serves one process, PostgreSQL serves many")]
    InUse(PathBuf),
    /// The lock file cannot be made or locked, or the database's path cannot be resolved.
    #[error("cannot lock {0}: {1}; its folder must exist, and {advice}", advice = ownership())]
    Lock(PathBuf, #[source] std::io::Error),
    /// The file, or one that belongs to it, cannot be written.
    #[error("{0} cannot be written: {1}; {advice}", advice = ownership())]
    NotWritable(PathBuf, #[source] std::io::Error),
    /// Something that is not a file is at the file's path.
    #[error("{0} is not a file; set database_url to the path of a file")]
    NoFile(PathBuf),
    /// The server cannot serve as this database, for these reasons.
    #[error("the database {0} cannot be used: {1}")]
    Unfit(String, String),
    /// A newer version of Taskwire has changed the schema.
    #[error("the database's schema has version {0}, newer than this program; run a newer Taskwire")]
    Newer(i64),
    /// A step of the schema failed.
    #[error("cannot bring the database's schema up to date: {0}")]
    Migrate(#[source] MigrateError),
    /// `TASKWIRE_WITHOUT` has a name that is not the name of a way to write.
    #[cfg(feature = "ablation")]
    #[error("TASKWIRE_WITHOUT: `{0}` is not the name of a way to write; src/store/ways/mod.rs lists them")]
    Way(String),
    /// Reading the epoch or the settings failed.
    #[error("cannot read the database: {0}")]
    Read(#[from] StoreError),
}

/// What to do about a file that cannot be written.
fn ownership() -> String {
    format!(
        "the user that runs taskwire ({}) must be able to write this file, its folder and the files beside it, on a disk \
         that is not mounted read-only",
        rustix::process::geteuid().as_raw()
    )
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
