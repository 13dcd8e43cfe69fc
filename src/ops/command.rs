//! Commands: they act on the running node at once. They write no log entry; of a kick, the engine takes a step that does.

use super::{Ask, Result, Targeted};

/// A command: what it does to the running node.
pub trait Command: Targeted {
    /// Carries out the command.
    fn act(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;
}
