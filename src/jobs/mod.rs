//! What the server does by itself, in short steps on the writer, so that nobody waits for it.
//!
//! - `leases`     work that one instance does for all
//! - `retention`  what is kept no longer
//! - `words`      the index of words, where it is not part of writing a task

pub mod leases;
pub mod retention;
mod words;

pub use leases::Leases;
pub use retention::{retention, round};
pub use words::words;
