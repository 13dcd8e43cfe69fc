//! What goes wrong with the store of files. The detail is for the server's log: it may name hosts and paths, and never a
//! key.

use std::error::Error as _;
use std::io;
use taskwire_protocol::{ErrorCode, Failure};

/// Why an access failed.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store refuses, or cannot be reached.
    #[error("{0}")]
    Store(#[from] object_store::Error),
    /// The folder cannot be used.
    #[error("{0}")]
    Folder(#[from] io::Error),
    /// The settings do not fit the store.
    #[error("files_url {0}")]
    Settings(String),
}

impl FilesError {
    /// The error with all its causes.
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(deeper) = cause {
            let said = deeper.to_string();
            if !text.ends_with(&said) {
                text = format!("{text}: {said}");
            }
            cause = deeper.source();
        }
        text
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, FilesError::Store(object_store::Error::NotFound { .. }))
    }

    /// Whether the disk or the quota is full.
    fn is_full(&self) -> bool {
        let mut cause = Some(self as &(dyn std::error::Error + 'static));
        while let Some(error) = cause {
            let io = error.downcast_ref::<io::Error>();
            let full = |error: &io::Error| {
                matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                )
            };
            if io.is_some_and(full) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

/// The error that a client gets. This conversion logs the detail, once.
impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Failure {
        tracing::warn!(error = error.in_full(), "the store of files failed");
        if error.is_full() {
            return Failure::new(
                ErrorCode::StorageFull,
                "the server's storage is full; nothing was changed",
            );
        }
        Failure::new(
            ErrorCode::Unavailable,
            "the store of files is unavailable at the moment; try again",
        )
    }
}
