//! The Taskwire client: typed calls, live events, reconnect and resume, and a replica of the server's state.
//!
//! - `config`      what a client is told: the server, its tokens, its streams, its bounds
//! - `address`     the server's address, in the forms that sockets and HTTP want
//! - `dial`        how a byte stream to the server comes about; TLS
//! - `tokens`      where access tokens come from, and how they are refreshed
//! - `client`      the handle: calls, state, closing; `once` a single call without signing in
//! - `events`      what comes by itself: events, signals, the connection's fate
//! - `connection`  the one background task that owns the socket
//! - `backoff`     how long to wait before the next try
//! - `wire`        the frames, written and read
//! - `replica`     snapshot + events = state, without any I/O; `follower` keeps one up to date
//! - `error`       what can go wrong
//!
//! Knows the contract (`taskwire-protocol`) and nothing of how the server works inside.
//!
//! ```no_run
//! use taskwire_client::{Client, Config, FixedToken, Item};
//! use taskwire_protocol::task::ListTasks;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new("http://127.0.0.1:8080", FixedToken::new("…"));
//! let (client, mut events) = Client::connect(config)?;
//! let page = client.call(ListTasks::default()).await?;
//! println!("{} tasks", page.items.len());
//! while let Some(item) = events.next().await {
//!     if let Item::Event(frame) = item {
//!         println!("{} {}", frame.seq, frame.event);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
#![deny(missing_docs)]

mod address;
mod backoff;
mod client;
mod config;
mod connection;
mod dial;
mod error;
mod events;

mod follower;
mod once;
pub mod replica;

mod tokens;
mod wire;

pub use client::{Client, Reply, Stats};
pub use config::Config;
pub use dial::{Dial, Tcp, Transport};
pub use error::{CallError, ConfigError, Disconnected, Stopped, TokenError};
pub use events::{Events, Item};

pub use follower::{Change, Follower};
pub use once::call_once;
pub use replica::Replica;

pub use taskwire_protocol as protocol;
pub use tokens::{FixedToken, RefreshedTokens, TokenSource, refresh};

/// A future behind a pointer, for traits that are used as objects.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
