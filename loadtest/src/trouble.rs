//! Why a run could not go on. Broken promises of the contract are no trouble but faults: see `check`.

use crate::wire::Unreadable;
use std::{io, time::Duration};
use taskwire_protocol::Failure;

/// Why a run could not go on, or a socket ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the upgrade was refused: {0}")]
    NotUpgraded(String),
    #[error("the server closed the socket with code {0}")]
    Closed(u16),
    #[error("the server ended the connection without a close frame")]
    Ended,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0} was refused: {1}")]
    Refused(&'static str, Box<Failure>),
    #[error("it was interrupted")]
    Interrupted,
    #[error("{0} did not happen within {1:?}")]
    TooLate(&'static str, Duration),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something on this side, in words.
    #[error("{0}")]
    Setup(String),
}

impl Trouble {
    /// Trouble in words of its own.
    pub(crate) fn setup(what: impl Into<String>) -> Trouble {
        Trouble::Setup(what.into())
    }

    /// Whether the server only is not ready for one more socket, so that trying again is what a client does.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Trouble::Closed(code) => [1012, 1013].contains(code),
            Trouble::Refused(_, failure) => failure.retryable,
            Trouble::Io(_) | Trouble::Ended => true,
            _ => false,
        }
    }
}
