//! The server of Taskwire, a real-time task backend.

pub mod auth;
pub mod clock;
pub mod config;
pub mod domain;
pub mod engine;
pub mod healthcheck;
pub mod http;
pub mod ids;
pub mod live;
pub mod peer;
pub mod server;
pub mod socket;
pub mod state;
pub mod store;
pub mod telemetry;
