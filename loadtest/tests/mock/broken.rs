//! The promises that the mock can break.

use std::time::Duration;

/// The number of the task in a workspace, or of the answer on a socket, at which a promise is broken.
pub(super) const BREAKS_AT: u64 = 5;

/// The promise to break. Promises about events are broken once for each workspace, at its fifth task, and for its first
/// watcher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Broken {
    Nothing,
    /// The event is not sent.
    Gap,
    /// The event is sent twice.
    Duplicate,
    /// The event is sent after the next one.
    Reordered,
    /// The operation is acknowledged, but is not in the log.
    LostAck,
    /// Positions to resume from are ignored.
    Resume,
    /// A list does not show the tasks made before it.
    Stale,
    /// An answer is sent after the next one.
    OutOfTurn,
    /// The server is silent for this time after a socket's hundredth operation on tasks.
    Stalled(Duration),
}
