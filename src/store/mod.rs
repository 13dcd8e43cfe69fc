//! All SQL is here. One text serves both databases, and only this module names a driver.
//!
//! - `database`   the database: connections for readers and writers, the epoch; `open` opens it, `postgres` and
//!   `sqlite` have the settings of connections, `file_readers` those that read an SQLite file, `dial` opens one to PostgreSQL, `schema` brings the schema up to date,
//!   `migration` does so over a connection that may be lost
//! - `addresses`  updates the keys of e-mail addresses that an older version made
//! - `examine`    examines a database without changing it
//! - `trust`      the bound of every wait on PostgreSQL, and which of its connections may be dead
//! - `bounds`     when the statements of a query end
//! - `link`       a connection of either driver, and how an SQL text runs on it
//! - `table`      a table's columns, listed once; `rows` reads rows into values
//! - `statement`  fixed statements over a batch of rows; `sql` texts that are built from parts and values
//! - `bind`       the values of statements
//! - `words`      the words of full-text search, as each database gets them
//! - `transaction` the writer's transaction: begin, lock, read, write, commit; `ways` how it does so in few round trips
//! - `start`      a group's first reads: its locks, and what its op_ids did
//! - `stages`     a workspace's stages, as its row has them
//! - `entity`     what the functions of every entity have in common
//! - `error`      errors, classified by what a caller can do about them
//! - one file or folder per table: `users`, `sessions` (and `devices`), `api_tokens`, `calendars`, `workspaces`, `members`,
//!   `tasks`
//!   (`task_list`, `search`), `statistics` of tasks, `comments`, `attachments`, `notifications`, `streams`, `log`, `ops`,
//!   `jobs`, `codes`, `departures`, `device_approvals`, `alarms`, `repeats`, `purges`, `instances` (and `kicks`), `invites`,
//!   `epoch` and `newest`
//! - `erasure`    what a deleted account leaves in all of these tables
//! - `fitness`    checks whether a PostgreSQL server can be used; `room` whether there is room to write
//!
//! Knows rows and entities. Does not know who may see them, or when they change.

mod addresses;
pub mod alarms;
pub mod api_tokens;
pub mod attachments;
mod bind;
mod bounds;
pub mod calendars;
pub mod codes;
pub mod comments;
mod counters;
mod database;
pub mod departures;
pub mod device_approvals;
pub mod devices;
mod dial;
pub mod entity;
pub mod epoch;
pub mod erasure;
pub mod error;
pub mod examine;
mod file_readers;
mod fitness;
pub mod instances;
pub mod invites;
pub mod jobs;
mod link;
pub mod log;
pub mod members;
mod migration;
pub mod newest;
pub mod notifications;
mod open;
pub mod ops;
#[cfg(test)]
mod plans;
mod postgres;
pub mod projects;
pub mod purges;
#[cfg(test)]
mod query_times;
pub mod repeats;
mod room;
#[cfg(test)]
mod row_types;
mod rows;
mod schema;
pub mod search;
pub mod sessions;
mod sql;
mod sqlite;
mod stages;
pub mod start;
mod statement;
pub mod statistics;
pub mod streams;
mod table;
pub mod tags;
pub mod task_list;
pub mod tasks;
pub mod transaction;
mod trust;
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
