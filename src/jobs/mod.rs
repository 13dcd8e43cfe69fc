//! What the server does by itself: retention. Works in short steps on the writer, so that nobody waits for it.

pub mod retention;

pub use retention::{retention, round};
