//! Pure rules: which values are valid, who may grant which role, how tasks are ordered. No I/O, no clock, no
//! randomness: callers pass in what a rule needs of these.

pub mod account;
pub mod alarms;
pub mod attachment;
pub mod ics;
pub mod import;
pub mod members;
pub mod mentions;
pub mod network;
pub mod notices;
pub mod photo;
pub mod position;
pub mod preferences;
pub mod recurrence;
pub mod sheet;
pub mod stage;
pub mod statistics;
pub mod task;
pub mod text;

/// What every rule returns.
pub type Result<T> = std::result::Result<T, taskwire_protocol::Failure>;
