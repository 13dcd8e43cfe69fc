//! What can go wrong, each kind with what a program can do about it.

use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, StreamId};
use thiserror::Error;

/// The configuration cannot work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The server's address is none.
    #[error("{text:?} is no server address: {why}")]
    Address {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// Why a call has no answer to give.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server refused it.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// The request is larger than the server takes; it was not sent.
    #[error("the request has {bytes} bytes, the server takes {limit}")]
    TooLarge {
        /// The frame's size in bytes.
        bytes: usize,
        /// The server's `limits.frame_bytes`.
        limit: u64,
    },
    /// The request is nested deeper than the contract allows; it was not sent.
    #[error("the request nests deeper than {limit} levels")]
    TooDeep {
        /// The contract's limit; the frame around the parameters is one of its levels.
        limit: usize,
    },
    /// The parameters cannot be written as JSON; nothing was sent.
    #[error("the parameters cannot be written: {0}")]
    Unwritable(String),
    /// The operation was done, but its answer is not what this client knows.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The connection was lost, and repeating this operation is not safe: whether it took effect is unknown.
    /// Mutations never end so, they are sent again with the same `op_id`.
    #[error("the connection was lost before the answer came")]
    Interrupted,
    /// The client has stopped.
    #[error("{0}")]
    Stopped(Stopped),
}

impl CallError {
    /// The code of a refusal.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            CallError::Refused(failure) => Some(failure.code),
            _ => None,
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, CallError::Refused(failure) if failure.retryable)
    }
}

/// Why there is no access token.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There will be none until a person signs in again.
    #[error("{0}")]
    SignedOut(String),
    /// It could not be got just now.
    #[error("{0}")]
    Unavailable(String),
    /// This machine cannot keep or read the tokens; the server was not asked.
    #[error("{0}")]
    Unkept(String),
}

/// Why a client has stopped for good.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The program closed it, or dropped every handle.
    #[error("the client was closed")]
    Closed,
    /// There is no token, or none that the server takes: somebody has to sign in.
    #[error("not signed in: {0}")]
    SignedOut(String),
    /// The session was revoked or kicked (close code 4403): somebody has to decide.
    #[error("the server ended this session: {0}")]
    Revoked(String),
    /// The server says that the protocol was broken; trying again would break it again.
    #[error("the server closed the connection with {code}: {reason}")]
    Protocol {
        /// The close code.
        code: u16,
        /// What the server says.
        reason: String,
    },
    /// The server refuses this client's `auth` for another reason than its token.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// What answers at that address is no Taskwire server.
    #[error("no Taskwire server answers there: {0}")]
    NoServer(String),
    /// No `welcome` came for as long as the configuration's patience.
    #[error("the server cannot be reached: {0}")]
    Unreachable(Disconnected),
}

/// Why there is no connection just now.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Disconnected {
    /// Nothing listens, no route, no name, or TLS failed.
    #[error("{0}")]
    Unreachable(String),
    /// The try took longer than `connect_timeout`.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection ended without a word.
    #[error("the connection was cut")]
    Cut,
    /// The server closed it.
    #[error("closed by the server with {code}{}{reason}", if .reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The close code.
        code: u16,
        /// What the server says.
        reason: String,
    },
    /// Nothing arrived for longer than the server's heartbeat allows.
    #[error("the server fell silent")]
    Silent,
    /// An event is missing: the connection cannot be trusted.
    #[error("{stream} jumped from {last} to {got}")]
    Gap {
        /// The stream.
        stream: StreamId,
        /// The last event before.
        last: u64,
        /// The one that came.
        got: u64,
    },
    /// The server sent what is no frame.
    #[error("the server sent an unreadable frame: {0}")]
    Unreadable(String),
    /// The server refused `auth`, for now or until there is a fresh token.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// A fresh token could not be got.
    #[error("no fresh token: {0}")]
    NoToken(TokenError),
}
