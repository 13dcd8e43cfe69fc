//! The server of Taskwire, a real-time task backend.

pub mod auth;
pub mod clock;
pub mod config;
pub mod domain;
pub mod healthcheck;
pub mod ids;
pub mod ops;
pub mod server;
pub mod store;
pub mod telemetry;
