//! The only SQL. One text serves both databases; this module alone names a driver.
//!
//! - `database`   the database: connections for readers and writers, the epoch; `open` opens it, `postgres` and
//!   `sqlite` say how, `schema` brings it up to date
//! - `examine`    looking at a database without changing it
//! - `link`       one connection of either driver, and running a text on it
//! - `table`      a table's columns, listed once; `rows` reading rows as what they stand for
//! - `statement`  fixed statements over a batch of rows; `sql` texts that are put together from filters
//! - `bind`       how values travel
//! - `words`      the words of full-text search, as PostgreSQL gets them
//! - `transaction` the writer's transaction: begin, lock, read, write, commit; `ways` how it does so in few round trips
//! - `start`      a group's first look: its locks, and what its op_ids did
//! - `entity`     what the functions of every entity have in common
//! - `error`      what went wrong, as far as a caller can act on it
//! - one file or folder a table: `users`, `sessions`, `workspaces`, `members`, `tasks` (`task_list`, `search`),
//!   `notifications`, `streams`, `log`, `ops`, `jobs`, `instances` (and `kicks`), `epoch`
//!
//! Knows rows and entities. Does not know who may see them, nor when they change.

mod bind;
mod counters;
mod database;
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
mod open;
pub mod ops;
#[cfg(test)]
mod plans;
mod postgres;
#[cfg(test)]
mod row_types;
mod rows;
mod schema;
pub mod search;
pub mod sessions;
mod sql;
mod sqlite;
pub mod start;
mod statement;
pub mod streams;
mod table;
pub mod task_list;
pub mod tasks;
pub mod transaction;
pub mod users;
mod ways;
mod words;
pub mod workspaces;

pub use database::Store;
pub use error::{StoreError, Trouble};
pub use link::{Plan, Reader};
pub use schema::OpenError;
pub use transaction::Transaction;

/// The result of every function here.
pub type Result<T> = std::result::Result<T, StoreError>;
