//! The store of files: objects under names that the server makes, in a folder or in an S3-compatible bucket. An object
//! is written once and whole, and never changes: its name stands for its content. So a half-written object is never
//! read, and a change is a new object whose name a row of the database gets. Does not know what the objects are, nor
//! which ones are in use.
//!
//! - `name`    names of objects
//! - `place`   the folder or the bucket
//! - `writing`, `reading`   objects that travel piece by piece
//! - `error`   what goes wrong
//! - `drafts`  what a crash leaves of half-written objects in a folder

mod drafts;
mod error;
mod name;
mod place;
mod reading;
mod writing;

use crate::config::Settings;
use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _};
use object_store::{Error, ObjectStore, ObjectStoreExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use error::FilesError;
pub use name::Name;
pub use writing::Writing;

/// What every access returns.
pub type Result<T> = std::result::Result<T, FilesError>;

/// The store of a node. Clones share it.
#[derive(Clone, Debug)]
pub struct Files {
    store: Arc<dyn ObjectStore>,
    /// The folder; `None` if the objects are in a bucket.
    folder: Option<Arc<PathBuf>>,
    /// The size of the parts in which an object is written, in bytes.
    part: usize,
    /// The size of the pieces in which one is read, in bytes.
    piece: u64,
}

/// An object that is read.
pub struct File {
    /// In bytes.
    pub size: u64,
    /// The content, piece by piece.
    pub content: BoxStream<'static, Result<Bytes>>,
}

/// An object in a list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name.
    pub name: Name,
    /// When it was written, in milliseconds since 1970 by the clock of the place.
    pub written_at: i64,
}

impl Files {
    /// The store that the settings name. Creates the folder if it is missing; does not connect.
    pub fn open(settings: &Settings) -> Result<Files> {
        place::open(settings)
    }

    /// Writes an object durably.
    pub async fn put(&self, name: &Name, content: impl Into<Bytes>) -> Result<()> {
        let put = self.store.put(name.path(), content.into().into());
        measured("put", put).await.map(drop)
    }

    /// The object with this name.
    pub async fn find(&self, name: &Name) -> Result<Option<File>> {
        match measured("get", self.store.get(name.path())).await {
            Ok(found) => Ok(Some(File {
                size: found.meta.size,
                content: found.into_stream().map(|piece| Ok(piece?)).boxed(),
            })),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes an object, if it is there.
    pub async fn delete(&self, name: &Name) -> Result<()> {
        match measured("delete", self.store.delete(name.path())).await {
            Err(error) if !error.is_missing() => Err(error),
            _ => Ok(()),
        }
    }

    /// All objects whose names begin with the parts of this one, in no order.
    pub fn list(&self, below: &Name) -> BoxStream<'static, Result<Listed>> {
        let listed = self.store.list(Some(below.path()));
        let listed = listed.map(|found| {
            let found = found?;
            Ok(Listed {
                written_at: found.last_modified.timestamp_millis(),
                name: Name::from(found.location),
            })
        });
        listed.boxed()
    }

    /// Removes what a crash left of half-written objects, if it is older than `age`. A bucket keeps no such thing.
    pub async fn clear_drafts(&self, age: Duration) -> Result<usize> {
        let Some(folder) = self.folder.clone() else {
            return Ok(0);
        };
        let cleared = tokio::task::spawn_blocking(move || drafts::clear(&folder, age)).await;
        Ok(cleared.unwrap_or_else(|panic| Err(std::io::Error::other(panic)))?)
    }
}

async fn measured<T>(
    access: &'static str,
    work: impl Future<Output = std::result::Result<T, Error>>,
) -> Result<T> {
    let began = Instant::now();
    let done = work.await.map_err(FilesError::from);
    let outcome = match &done {
        Err(error) if !error.is_missing() => "failed",
        _ => "ok",
    };
    metrics::histogram!("taskwire_files_seconds", "access" => access, "outcome" => outcome)
        .record(began.elapsed().as_secs_f64());
    done
}
