//! The Taskwire wire contract as types: what a client may rely on. The JSON Schema, the TypeScript types, the reference,
//! the server's dispatch and the permission tests derive from it.
//!
//! - `operations`  the one table: a row per operation, with its access, parameters and output
//! - `events`      the other table: a row per durable event, with its payload
//! - `frames`      request, ok, error, event, signal, welcome
//! - `signals`     the table of messages that no log stores
//! - `error`       the closed set of error codes; `failure` an error on the wire
//! - `close`       the closed set of close codes
//! - `http`        the routes beside the socket, their bodies and their errors
//! - `ids`, `time`, `patch`, `page`, `secret`, `email`   the small types that every noun uses; `limits` their bounds
//! - one file a noun: `account`, `workspace`, `stage`, `member`, `invite`, `project`, `tag`, `task`, `comment`,
//!   `attachment`, `calendar`, `notification`, `presence`, `stats`, `stream`, `batch`, `admin`, `system`
//! - `export`      the file of a workspace, as it is exported and imported
//! - `import`      what an import answers
//! - `weekday`     the days of the week as words
//! - `json`        what is read beyond serde: no key twice, integers however they are written
//! - `examples`    a valid request for each operation
//! - `compatibility` whether a contract only grew since the last release
//! - `generate`    the schema, the TypeScript types and the reference, made from the tables
//!
//! Knows nothing of servers, databases or sockets.

#![deny(missing_docs)]

#[macro_use]
pub mod ids;

pub mod account;
pub mod admin;
pub mod attachment;
pub mod batch;
pub mod calendar;
pub mod close;
pub mod comment;
pub mod compatibility;
mod email;
pub mod error;
pub mod events;
pub mod examples;
pub mod export;
mod failure;
pub mod frames;
pub mod generate;
pub mod http;
pub mod import;
pub mod invite;
pub mod json;
pub mod limits;
pub mod member;
pub mod notification;
pub mod operations;
mod optional;
pub mod page;
pub mod patch;
pub mod presence;
pub mod project;
mod secret;
pub mod signals;
pub mod stage;
pub mod stats;
pub mod stream;
pub mod system;
pub mod tag;
pub mod task;
pub mod time;
pub mod weekday;
pub mod workspace;

pub use account::ApiTokenId;
pub use attachment::AttachmentId;
pub use close::CloseCode;
pub use comment::CommentId;
pub use email::Email;
pub use error::{ErrorCode, Retry};
pub use events::{Event, EventEntry};
pub use failure::Failure;
pub use ids::{
    InstanceId, InviteId, NotificationId, OpId, ProjectId, SessionId, StreamId, TagId, TaskId, UserId,
    WorkspaceId,
};
pub use operations::{Access, Kind, Operation, OperationEntry, Request};
pub use page::Page;
pub use patch::Patch;
pub use secret::Secret;
pub use time::Timestamp;

/// The version of the contract, announced in `welcome`.
pub const PROTOCOL: u32 = 1;

/// Rises with each growth of the contract within its version, so that a client can ask what is there. Announced in
/// `welcome`. A test compares the contract with the last released one, and says when to raise it.
pub const REVISION: u32 = 2;

/// The WebSocket subprotocol (RFC 6455, section 1.9).
pub const SUBPROTOCOL: &str = "taskwire.v1";

/// The examples in the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
