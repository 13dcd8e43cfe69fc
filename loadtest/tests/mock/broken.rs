//! The promises that the mock can break.

use std::time::Duration;

/// The task of a workspace, or the answer of a socket, at which a promise is broken.
pub(super) const BREAKS_AT: u64 = 5;

/// The promise that is broken once, at the fifth task of a workspace and its first watcher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Broken {
    Nothing,
    /// The event never comes.
    Gap,
    /// The event comes twice.
    Duplicate,
    /// The event comes after the next one.
    Reordered,
    /// The operation is acknowledged but not in the log.
    LostAck,
    /// Positions are ignored.
    Resume,
    /// A list does not show what was made before it.
    Stale,
    /// An answer comes after the next one.
    OutOfTurn,
    /// The server is silent for so long after a socket's hundredth operation on tasks.
    Stalled(Duration),
}
