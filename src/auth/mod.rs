//! What accounts are guarded with, as parts that know the protocol's types and plain values only: who uses them
//! reads the database, the settings and the clock, and hands them what they need.
//!
//! - `passwords`  hashing and checking off the async threads, and which new passwords are refused
//! - `tokens`     access tokens (signed, short-lived) and refresh tokens (opaque, kept as a hash)
//! - `limits`     how much a socket may ask for, and an address over HTTP
//!
//! Nothing here asks the operating system for the time: every function that needs it takes `now_ms`.

pub mod limits;
pub mod passwords;
pub mod tokens;
