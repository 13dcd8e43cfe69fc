//! What can end a measurement. Does not know whose fault it was.

use std::time::Duration;

/// Why a measurement, or one socket of it, cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the server ended a connection")]
    Ended,
    #[error("the server closed a socket with {0}")]
    Closed(u16),
    #[error("an upgrade was answered with {0:?}")]
    NotUpgraded(String),
    #[error("refused: {0}")]
    Refused(String),
    #[error("{0} took longer than {1:?}")]
    TooLate(&'static str, Duration),
    #[error("not what this program reads: {0}")]
    Unreadable(&'static str),
    #[error("no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Setup(String),
}

impl Trouble {
    /// Whether a socket that met it should try again: the server was busy letting others in.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Trouble::Io(_) | Trouble::Ended | Trouble::Closed(1013) | Trouble::TooLate(..) => true,
            Trouble::Refused(what) => what.contains("UNAVAILABLE"),
            _ => false,
        }
    }
}
