//! What all tests use: real server processes on port 0, each with its own database, and plain clients.
//!
//! - `server`    a taskwire process: start, kill, start again
//! - `node`      an engine in this process, with a clock that the test moves
//! - `program`   the program in a folder and with an environment for one test
//! - `database`  a database for one test, on either engine
//! - `cluster`   a PostgreSQL server for one test, which it may stop and kill
//! - `commit_proxy` a proxy before PostgreSQL that breaks connections at a COMMIT, or hangs; `postgres_wire`
//!   detects a COMMIT
//! - `client`    a WebSocket client; it keeps frames until a test takes them
//! - `follower`  a client that knows its position in each stream
//! - `team`      a workspace with a user in each role
//! - `http`      HTTP requests
//! - `contract`  checks what is sent and received against the schema
//! - `copies`    many tasks at once
//! - `audit`     checks that logs, rows and counters agree
//! - `events`    a reader of server-sent events
//! - `fold`      what each event does to a snapshot
//! - `knowledge` what a client knows of all its streams
//! - `raw`       a socket as bytes
//! - `proxy`     a proxy that cuts and stalls connections of a server
//! - `redis`     a Redis for one test
//! - `nginx`     a real nginx in front of servers
//! - `secrets`   looks for passwords and tokens in servers' logs
//! - `mails`     mails as their readers see them; `smtp` a server that takes them
//! - `tokens`    access tokens with other times

pub mod audit;
pub mod client;
pub mod cluster;
pub mod commit_proxy;
pub mod contract;
pub mod copies;
pub mod database;
pub mod events;
pub mod fold;
pub mod follower;
pub mod http;
pub mod knowledge;
pub mod mails;
pub mod nginx;
pub mod node;
#[path = "../../faults/src/world/postgres_wire.rs"]
mod postgres_wire; // shared with the fault test
pub mod program;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod secrets;
pub mod server;
pub mod smtp;
pub mod team;
pub mod tokens;

use std::time::Duration;

pub use client::Client;
pub use database::Engine;
pub use follower::Follower;
pub use knowledge::{Replica, text};
pub use node::Node;
pub use proxy::Proxy;
pub use raw::Raw;
pub use redis::Redis;
pub use server::Server;
pub use team::Team;

/// How long a test waits for a condition.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A valid password.
pub const PASSWORD: &str = "tea at half past four";

/// An id as a client makes it.
#[allow(clippy::disallowed_methods, reason = "a client has no clock but the system's")]
pub fn new_id() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// Makes each `async fn NAME(engine: Engine)` a test on SQLite and a test on PostgreSQL.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $( #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Engine::Sqlite).await; } )*
        }
        mod postgres {
            $( #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::support::Engine::Postgres).await; } )*
        }
    };
}

/// Waits until a condition holds, or fails the test after [`PATIENCE`].
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
