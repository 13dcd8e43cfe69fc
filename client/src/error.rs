//! Errors, with a variant for each reaction of a program.

use std::time::Duration;
use taskwire_protocol::{ErrorCode, Failure, StreamId};
use thiserror::Error;

/// Why a configuration is invalid.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The server's address is wrong.
    #[error("{text:?} is not a server address: {why}")]
    Address {
        /// The address as given.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS could not be set up.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// Why a call has no output.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server refused it.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// The request is larger than the server accepts; it was not sent.
    #[error("the request has {bytes} bytes; the server accepts at most {limit}")]
    TooLarge {
        /// The frame's size in bytes.
        bytes: usize,
        /// The server's `limits.frame_bytes`.
        limit: u64,
    },
    /// The request is nested deeper than the contract allows; it was not sent.
    #[error("the request is nested deeper than {limit} levels")]
    TooDeep {
        /// The contract's limit; the frame around the parameters is one of its levels.
        limit: usize,
    },
    /// The parameters cannot be written as JSON; nothing was sent.
    #[error("the parameters cannot be written: {0}")]
    Unwritable(String),
    /// The operation was done, but this client cannot read the answer.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The connection was lost, and this operation must not be repeated. The outcome is unknown. Mutations never end
    /// like this: the client sends them again with the same `op_id`.
    #[error("the connection was lost before the answer arrived")]
    Interrupted,
    /// The client has stopped.
    #[error("{0}")]
    Stopped(Stopped),
}

impl CallError {
    /// The error code, if the server refused the call.
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
    /// A person has to sign in again.
    #[error("{0}")]
    SignedOut(String),
    /// The server refused the only token that there is. The client stops and says what the server said.
    #[error("the token is no longer valid")]
    NoOther,
    /// There is no token at the moment; a later attempt may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// No token can be had at the moment, and the server says when to ask again.
    #[error("{message}")]
    Later {
        /// What the server says.
        message: String,
        /// How long to wait.
        wait: Duration,
    },
    /// This machine cannot store or read the tokens; the server was not asked.
    #[error("{0}")]
    Unkept(String),
}

/// Why a client has stopped for good.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Stopped {
    /// The program closed the client or dropped every handle.
    #[error("the client was closed")]
    Closed,
    /// The client has no token that the server accepts: a person has to sign in.
    #[error("not signed in: {0}")]
    SignedOut(String),
    /// The session was revoked, or an operator ended the connection (close code 4403). A person decides what to do.
    #[error("the server ended this session: {0}")]
    Revoked(String),
    /// The server says that this client broke the protocol. A new connection would end in the same way.
    #[error("the server closed the connection with {code}: {reason}")]
    Protocol {
        /// The close code.
        code: u16,
        /// What the server says.
        reason: String,
    },
    /// The server refused `auth`, and not because of the token.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// The program that answers at this address is not a Taskwire server.
    #[error("no Taskwire server answers at this address: {0}")]
    NoServer(String),
    /// There was no `welcome` for as long as the configuration's `patience`.
    #[error("the server cannot be reached: {0}")]
    Unreachable(Disconnected),
}

/// Why there is no connection at the moment.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum Disconnected {
    /// Nothing listens at the address, there is no route, the name does not resolve, or TLS failed.
    #[error("{0}")]
    Unreachable(String),
    /// The attempt took longer than `connect_timeout`.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The connection ended without a close frame.
    #[error("the connection was cut")]
    Cut,
    /// The server closed the connection.
    #[error("closed by the server with {code}{}{reason}", if .reason.is_empty() { "" } else { ": " })]
    Closed {
        /// The close code.
        code: u16,
        /// What the server says.
        reason: String,
    },
    /// Nothing arrived for longer than the server's heartbeat allows.
    #[error("the server has stopped responding")]
    Silent,
    /// An event is missing. The client reconnects and reads the missing events.
    #[error("{stream}: event {got} arrived after {last}, so events are missing")]
    Gap {
        /// The stream.
        stream: StreamId,
        /// The last event before.
        last: u64,
        /// The event that arrived.
        got: u64,
    },
    /// The server sent something that is not a frame.
    #[error("the server sent an unreadable frame: {0}")]
    Unreadable(String),
    /// The server refused `auth`, for now or until there is a fresh token.
    #[error("{0}")]
    Refused(Box<Failure>),
    /// The token source returned no token.
    #[error("no fresh token: {0}")]
    NoToken(TokenError),
}
