//! What the server does by itself: retention, the index of words. Works in short steps on the writer, so that nobody waits for it.

pub mod retention;
mod words;

pub use retention::{retention, round};
pub use words::words;
