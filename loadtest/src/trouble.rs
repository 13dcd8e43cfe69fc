//! The errors that end a run or one of its sockets. A broken promise of the contract is a `fault`, not trouble.

use crate::websocket::Unreadable;
use std::{io, time::Duration};
use taskwire_protocol::Failure;

/// Why a run cannot continue, or why a socket ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the server refused the upgrade: {0}")]
    NotUpgraded(String),
    #[error("the server closed the socket with code {0}")]
    Closed(u16),
    #[error("the server ended the connection without a close frame")]
    Ended,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("the server refused {0}: {1}")]
    Refused(&'static str, Box<Failure>),
    /// A refusal in the words of a server that may not be Taskwire.
    #[error("the server refused {0}: {1}")]
    Declined(&'static str, String),
    #[error("the run was interrupted")]
    Interrupted,
    #[error("{0} did not happen within {1:?}")]
    TooLate(&'static str, Duration),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("unexpected JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An error on this side, as a text.
    #[error("{0}")]
    Setup(String),
}

impl Trouble {
    /// An error on this side, with this text.
    pub(crate) fn setup(what: impl Into<String>) -> Trouble {
        Trouble::Setup(what.into())
    }

    /// Whether a client would try again: the server is only busy with other sockets.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Trouble::Closed(code) => [1012, 1013].contains(code),
            Trouble::Refused(_, failure) => failure.retryable,
            Trouble::Declined(_, why) => why.contains("UNAVAILABLE"),
            Trouble::Io(_) | Trouble::Ended => true,
            _ => false,
        }
    }
}
