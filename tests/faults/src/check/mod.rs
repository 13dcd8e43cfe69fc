//! The checker: each invariant is a function over the records and the truth, in linear time. Knows no sockets and no
//! clock.
//!
//! - `operations`   I1, I3, I6, I10: what writers invoked, against the log
//! - `readers`      I4, I8: what readers saw, against the log and their memberships
//! - `sessions`     I11: sockets and tokens of sessions that ended
//! - `state`        I2, I5: the log, the tables, the snapshots
//! - `work`         I5, I12: what teammates did, against the tables and files

pub(crate) mod operations;
pub(crate) mod readers;
pub(crate) mod sessions;
pub(crate) mod state;
pub(crate) mod work;

#[cfg(test)]
mod doctored;
