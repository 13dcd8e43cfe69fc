//! Whether there is room to write. Reads work without it.

use super::database::{Pools, Store};
use super::error::READ_ONLY;
use super::sql::Sql;
use super::sqlite::PAGE;
use super::{Result, StoreError, Trouble};
use std::path::Path;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Bytes free. With fewer a disk counts as full.
const LITTLE: u64 = 1 << 20;
/// Pages free below `database_max_bytes`. With fewer most writes are refused.
const FEW: u64 = 16;

/// PostgreSQL without room refuses some writes and takes others, so one that it takes says nothing: a refusal counts for this
/// long.
const RECENT: Duration = Duration::from_mins(1);

const FULL: &str = "a write found the database's storage full: make room";
const ONLY_READS: &str =
    "the database takes no writes: it was made read-only, as a standby is, or a server whose disk is full";

impl Store {
    /// A write was committed: there is room.
    pub(super) fn committed(&self) {
        // read first: all writers share this flag
        if self.was_full() {
            self.0.is_full.store(false, Ordering::Relaxed);
        }
    }

    /// A write failed. Remembers whether it found no room.
    pub fn note(&self, error: &StoreError) {
        let why = match error.trouble {
            Trouble::Full => FULL,
            Trouble::Unavailable if error.cause() == READ_ONLY => ONLY_READS,
            _ => return,
        };
        if self.is_shared() {
            let mut refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
            *refused = Some((Instant::now(), why));
        } else {
            self.0.is_full.store(true, Ordering::Relaxed);
        }
    }

    /// Why PostgreSQL refused a write a moment ago.
    fn refused(&self) -> Option<String> {
        let refused = self.0.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = refused.filter(|(at, _)| at.elapsed() < RECENT);
        recent.map(|(_, why)| why.to_owned())
    }

    /// Whether the last write to SQLite found no room.
    pub fn was_full(&self) -> bool {
        self.0.is_full.load(Ordering::Relaxed)
    }

    /// Why writes are refused, or will be soon, if there is no room for them.
    pub async fn shortage(&self) -> Result<Option<String>> {
        if let Some(file) = &self.0.file
            && let Some(free) = free(file).filter(|free| *free < LITTLE)
        {
            let shown = file.display();
            return Ok(Some(format!(
                "the disk of {shown} is full ({} KiB are free): make room",
                free / 1024
            )));
        }
        if let Some(most) = self.0.most_pages
            && self.pages().await? + FEW > most
        {
            let bytes = most * PAGE;
            return Ok(Some(format!(
                "the file has the size that database_max_bytes allows ({bytes}): raise it, or delete something"
            )));
        }
        Ok(self
            .refused()
            .or_else(|| self.was_full().then(|| FULL.to_owned())))
    }

    /// The pages of an SQLite file that are in use.
    async fn pages(&self) -> Result<u64> {
        if !matches!(self.0.pools, Pools::Sqlite { .. }) {
            return Ok(0);
        }
        let query = "select page_count, freelist_count from pragma_page_count, pragma_freelist_count";
        let (all, free): (i64, i64) = self.read().await?.get(Sql::new(query)).await?;
        Ok(all.saturating_sub(free).cast_unsigned())
    }
}

/// Bytes that a user may still write beside a file.
fn free(file: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(file.parent()?).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}
