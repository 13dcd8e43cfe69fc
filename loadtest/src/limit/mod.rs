//! The limits: what this machine could do without a server. The server's numbers are compared with these.
//!
//! - `fanout`   a bare writer of frames that are encoded already
//! - `storm`    the same writer, to which all sockets reconnect at once
//! - `hop`      only a publisher, Redis and a subscriber
//! - `commits`  a database that commits the rows of operations in groups

pub(crate) mod commits;
pub(crate) mod fanout;
pub(crate) mod hop;
pub(crate) mod storm;
