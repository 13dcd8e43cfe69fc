//! The parts that protect accounts. They know only the protocol's types and plain values: their callers read the
//! database, the settings and the clock, and pass in what is needed.
//!
//! - `passwords`  hashing and checking outside the async threads, and which new passwords are refused
//! - `tokens`     access tokens: signed, short-lived
//! - `refresh`    refresh tokens: opaque, stored as a hash; `successor` seals the next one for the holder of a token
//! - `api_tokens` the tokens of programs: opaque, with a checksum, stored as a hash
//! - `derive`     keys that are derived from another secret
//! - `instances`  the keys that seal what instances tell each other
//! - `codes`      the codes and links of mails
//! - `device_codes` the codes of a sign-in that another device completes
//! - `first_admin` the token of the link that makes the first administrator
//! - `unsubscribe` the token of the link that ends reminders by mail
//! - `operators`  the tokens that open a node's numbers
//! - `holdings`   what each network holds, and which holds the most
//! - `limits`     how many operations a socket, and how many HTTP requests an address, may send
//!
//! Nothing here asks the operating system for the time: every function that needs it takes `now_ms`.

pub mod api_tokens;
pub mod codes;
mod derive;
pub mod device_codes;
pub mod first_admin;
pub mod holdings;
pub mod instances;
pub mod limits;
pub mod operators;
pub mod passwords;
pub mod refresh;
pub mod successor;
pub mod tokens;
pub mod unsubscribe;
