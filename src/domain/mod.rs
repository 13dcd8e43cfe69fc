//! The pure rules: what a value must be, who may give which role, where a task stands among the others. No I/O, no
//! time, no randomness: what they need of those is passed in.

pub mod account;
pub mod members;
pub mod position;
pub mod task;
pub mod text;

/// What every rule returns.
pub type Result<T> = std::result::Result<T, taskwire_protocol::Failure>;
