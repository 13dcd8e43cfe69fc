#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

// The map, from the top down:
//
// - `follower`    a replica that is kept up to date; `replica` snapshot + events = state, without any I/O
// - `raw`         a socket whose frames a program reads and writes itself
// - `once`        a single call without a user
// - `client`      the handle: calls, state, closing
// - `connection`  the one background task that owns the socket
// - `events`      the queue to the program: events, signals, changes of the connection
// - `state`       what the handle, the events and the connection share; `reply` an answer
// - `door`        opens sockets: TLS and the WebSocket handshake
// - `config`      the configuration: the server, the tokens, the streams, the bounds
// - `tokens`      where access tokens come from, and how they are refreshed
// - `http`        requests over HTTP beside the socket
// - `dial`        opens the byte stream to the server; `tls`; `address` the server's address
// - `backoff`     the wait before the next attempt
// - `wire`        the frames, written and read
// - `error`       errors
// - `terminal`    text from others, for programs that print it
//
// A module imports only from those below it. The crate knows the contract (`taskwire-protocol`), and not the server's
// internals.

mod address;
mod backoff;
mod client;
mod config;
mod connection;
mod dial;
mod door;
mod error;
mod events;
mod follower;
mod http;
mod once;
mod raw;
pub mod replica;
mod reply;
mod state;
pub mod terminal;
mod tls;
mod tokens;
mod wire;

pub use client::Client;
pub use config::Config;
pub use dial::{Dial, Tcp, Transport};
pub use error::{CallError, ConfigError, Disconnected, Stopped, TokenError};
pub use events::{Events, Item};
pub use follower::{Change, Follower};
pub use http::{Download, Http, HttpAnswer, Upload};
pub use once::call_once;
pub use raw::{RawFrame, RawSocket};
pub use replica::Replica;
pub use reply::Reply;
pub use state::Stats;
pub use taskwire_protocol as protocol;
pub use tokens::{FixedToken, RefreshedTokens, TokenSource, refresh, refresh_over};

/// A boxed future, for traits that are used as objects.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
