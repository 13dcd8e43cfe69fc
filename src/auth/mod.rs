//! The parts that protect accounts. They know only the protocol's types and plain values: their callers read the
//! database, the settings and the clock, and pass in what is needed.
//!
//! - `passwords`  hashing and checking off the async threads, and which new passwords are refused
//! - `tokens`     access tokens (signed, short-lived) and refresh tokens (opaque, kept as a hash)
//! - `limits`     how much a socket may ask for, and an address over HTTP
//!
//! Nothing here asks the operating system for the time: every function that needs it takes `now_ms`.

pub mod limits;
pub mod passwords;
pub mod tokens;
