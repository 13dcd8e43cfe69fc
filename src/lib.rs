//! The server of Taskwire, a real-time task backend. Its modules:
//!
//! - `server`   a node: starting, accepting, draining
//! - `socket`   a WebSocket from upgrade to close
//! - `http`     everything else over HTTP: sign-in, rpc, health, metrics, the page
//! - `follow`   readers of streams, over any transport
//! - `reply`    reply frames and refusals, for `socket` and `http`
//! - `engine`   the path of a request: authorize → handle → log → commit → publish
//! - `ops`      what each operation does, a file a noun
//! - `domain`   pure rules
//! - `store`    the only SQL
//! - `live`     from a commit to every socket that watches
//! - `files`    the store of uploaded files; `pictures` makes photos of uploaded pictures; `archive` writes ZIPs
//! - `jobs`     background work, stored in a table of the database
//! - `mail`     what mails say, and how they leave the node
//! - `operator` what `taskwire admin …` does; `demo` fills a database with the month of a team
//! - `peer`     who is at the other end of a connection
//! - `uptake`   what a peer has taken of what was sent to it
//! - `auth`     passwords, tokens, limits
//! - `failpoint` places where tests kill or pause a node, in builds for them
//! - `fuzzing` what fuzzers call, in builds for them and in tests
//! - `outage`   tells the operator what is away, and that it is back
//! - `state`    what every request and socket of a node shares
//! - `reload`   applies changed settings to a running node
//! - `doctor`   checks what a node depends on
//! - `unicode`  text by Unicode's rules: its forms, words and keys
//! - `config`, `telemetry`, `clock`, `ids`, `healthcheck`   settings, the log, time, ids, the check that a node is
//!   alive

pub mod archive;
pub mod auth;
pub mod clock;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod domain;
pub mod engine;
pub mod failpoint;
pub mod files;
pub mod follow;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod healthcheck;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod live;
pub mod mail;
pub mod operator;
pub mod ops;
pub mod outage;
pub mod peer;
pub mod pictures;
pub mod reload;
pub mod reply;
pub mod server;
pub mod socket;
pub mod state;
pub mod store;
pub mod telemetry;
pub mod unicode;
pub mod uptake;
