//! Commands: they act on the running node at once, and write no log entry.

use super::{Ask, Result, Targeted};

/// A command: what it does to the running node.
pub trait Command: Targeted {
    /// Carries out the command.
    fn act(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;
}
