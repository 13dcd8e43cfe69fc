//! Background work: jobs, which a table of the database keeps. A job runs on one instance at a time, again after a
//! failure, and until it succeeded or is dead. One file a kind; the registry is [`KINDS`].
//!
//! - `kind`       what a kind is: its name, its limits, its work
//! - `run`        one run of a job: its transactions, the last of which completes it
//! - `runner`     claims what is due, and runs it
//! - `outcome`    what happens to a job after a run: backoff, death
//! - `retention`  deletes what is kept no longer
//! - `words`      the index of words, where it is not part of writing a task
//!
//! A new kind: its payload (`store::jobs::Payload`), its file with a [`Job`], its line in [`KINDS`].

mod kind;
mod outcome;
mod retention;
mod run;
mod runner;
mod words;

pub use kind::{Job, Kind, Schedule};
pub use retention::round;
pub use run::{Ended, Run, Steps};
pub use runner::Runner;

/// Every kind of job that this version runs.
pub static KINDS: &[Kind] = &[
    Kind::of::<retention::Retention>(),
    Kind::of::<crate::engine::IndexWords>(),
];
