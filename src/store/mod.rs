//! The only SQL. One text serves both databases; this module alone names a driver.
//!
//! - `open`       which database, the lock file, migrations, the epoch; `postgres` its connections to a server
//! - `examine`    looking at a database without changing it
//! - `link`       one connection of whichever driver, and running a text on it
//! - `statement`  texts: fixed ones over a batch of rows, and those put together from filters
//! - `bind`       how values travel
//! - `words`      the words of full-text search, as PostgreSQL gets them
//! - `transaction` the writer's transaction: begin, lock, read, write, commit, and the ways to do it in few round trips
//! - `entity`     what the functions of every entity have in common
//! - `start`      a group's first look: its locks, and what its op_ids did
//! - `error`      what went wrong, as far as a caller can act on it
//! - one file a table: `users`, `sessions`, `workspaces`, `members`, `tasks` (`task_list`, `search`), `notifications`,
//!   `streams`, `log`, `ops`, `jobs`, `instances` (and `kicks`), `epoch`
//!
//! Knows rows and entities; does not know who may see them, nor when they change.

mod bind;
pub mod entity;
pub mod epoch;
pub mod error;
pub mod examine;
pub mod instances;
pub mod jobs;
mod link;
pub mod log;
pub mod members;
pub mod notifications;
pub mod open;
pub mod ops;
#[cfg(test)]
mod plans;
mod postgres;
pub mod search;
pub mod sessions;
pub mod start;
mod statement;
pub mod streams;
pub mod task_list;
pub mod tasks;
pub mod transaction;
pub mod users;
mod words;
pub mod workspaces;

pub use error::{StoreError, Trouble};
pub use link::{Plan, Reader};
pub use open::{OpenError, Store};
pub use transaction::Transaction;

/// What every function here returns.
pub type Result<T> = std::result::Result<T, StoreError>;
