//! The server of Taskwire, a real-time task backend: its map.
//!
//! - `server`   a node: starting, accepting, draining
//! - `socket`   a WebSocket from upgrade to close
//! - `http`     what is not the socket: sign-in, rpc, health, metrics, the page
//! - `follow`   who reads which streams, whatever carries them
//! - `reply`    reply frames and refusals, for both
//! - `engine`   one request's way: authorize → handle → log → commit → publish
//! - `ops`      what each operation does, a file a noun
//! - `domain`   pure rules
//! - `store`    the only SQL
//! - `live`     from a commit to every socket that watches
//! - `jobs`     background work, which a table of the database keeps
//! - `operator` what `taskwire admin …` does
//! - `peer`     who is at the other end of a connection
//! - `auth`     passwords, tokens, limits
//! - `failpoint` where tests let a node die, in builds made for it
//! - `state`    what every request and socket of a node shares
//! - `doctor`   whether what a node stands on is in order
//! - `config`, `telemetry`, `clock`, `ids`, `healthcheck`   what a node runs on

pub mod auth;
pub mod clock;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod engine;
pub mod failpoint;
pub mod follow;
pub mod healthcheck;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod live;
pub mod operator;
pub mod ops;
pub mod peer;
pub mod reply;
pub mod server;
pub mod socket;
pub mod state;
pub mod store;
pub mod telemetry;
