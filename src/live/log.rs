//! The reads of the durable log that `live` needs: where a stream begins and ends, and a page of it. Does not know the
//! database.

use super::Frame;
use std::{fmt, future::Future, pin::Pin, time::Duration};
use taskwire_protocol::{StreamId, UserId};

/// A read under way. Boxed, because it is rare and must not take memory in every socket's task.
pub type Reading<'a, T> = Pin<Box<dyn Future<Output = Result<T, LogUnavailable>> + Send + 'a>>;

/// The database did not answer; the server's log says why. A later retry may succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogUnavailable;

impl fmt::Display for LogUnavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the log did not answer")
    }
}

impl std::error::Error for LogUnavailable {}

/// The log holds the entries `tail + 1 ..= head` of a stream. Both are 0 for a stream that never had an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogRange {
    /// The newest seq that retention has removed; 0 when it removed none.
    pub tail: u64,
    /// The newest seq that is committed.
    pub head: u64,
}

/// Reads of the durable log. Each sees every commit that was published before the call.
pub trait Log: Send + Sync + 'static {
    /// The range that the log holds of `stream`.
    fn range(&self, stream: StreamId) -> Reading<'_, LogRange>;

    /// The first `limit` entries with a seq greater than `after`, in order: seq and encoded event frame.
    fn page(&self, stream: StreamId, after: u64, limit: usize) -> Reading<'_, Vec<(u64, Frame)>>;

    /// How long a reader of this user waits for its next page, which it is going to read: who has read very much takes it
    /// slowly. Nobody is refused.
    fn pause(&self, user: UserId) -> Duration {
        let _ = user;
        Duration::ZERO
    }

    /// A reader of this user got a page of so many bytes.
    fn was_read(&self, user: UserId, bytes: usize) {
        let _ = (user, bytes);
    }

    /// The newest seq of each of these streams, in any order; those that never had an entry may be left out.
    fn heads(&self, streams: Vec<StreamId>) -> Reading<'_, Vec<(StreamId, u64)>>;
}
