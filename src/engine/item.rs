//! The items of the writers' queue.

use super::submission::Submission;
use crate::store::{StoreError, Transaction};
use std::pin::Pin;
use tokio::sync::oneshot;

/// The most mutations in a group.
pub(super) const GROUP: usize = 64;

/// The server's own work on the writer's connection, such as retention, in short steps.
pub trait Chore: Send + 'static {
    /// The result of the chore.
    type Output: Send + 'static;

    /// The chore frees space, so it also runs when the database is full.
    const FREES: bool = false;

    /// Runs inside a transaction, which commits if this succeeds.
    fn run(self, tx: &mut Transaction) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

/// A chore that sends its result to the task that waits for it.
pub(super) type Errand =
    Box<dyn for<'a> FnOnce(&'a mut Transaction) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send>;

/// An item of the queue.
pub(super) enum Item {
    Submission(Box<Submission>),
    Chore(Errand),
    /// Ends the writers after everything before it, and then sends on the channel.
    Stop(oneshot::Sender<()>),
}
