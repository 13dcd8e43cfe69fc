//! What this machine could do without a server: the numbers that a server's are held against.
//!
//! - `fanout`   a bare writer of frames that are encoded already
//! - `storm`    the same writer, to which everybody comes back at once
//! - `hop`      a publisher and a subscriber of Redis, and nothing between them
//! - `commits`  a database that commits the rows of operations in groups

pub(crate) mod commits;
pub(crate) mod fanout;
pub(crate) mod hop;
pub(crate) mod storm;
