//! Commands: they act on the running node at once, and no log has an entry of it.

use super::{Ask, Result, Targeted};

/// A command: what it does.
pub trait Command: Targeted {
    /// Acts.
    fn act(self, ask: Ask) -> impl Future<Output = Result<Self::Output>> + Send;
}
