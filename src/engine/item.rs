//! The items of the writers' queue.

use super::job::Job;
use crate::store::{StoreError, Transaction};
use std::pin::Pin;
use tokio::sync::oneshot;

/// Mutations of a group, at most.
pub(super) const GROUP: usize = 64;

/// Work of the server's own on the writer's connection: retention and the like, in short steps.
pub trait Chore: Send + 'static {
    /// Its result.
    type Output: Send + 'static;

    /// It makes room, so it runs in a full database too.
    const FREES: bool = false;

    /// Runs inside a transaction that commits when this succeeds.
    fn run(self, tx: &mut Transaction) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

/// A chore that sends its result to the task that waits for it.
pub(super) type Errand =
    Box<dyn for<'a> FnOnce(&'a mut Transaction) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> + Send>;

/// Something in the queue.
pub(super) enum Item {
    Job(Box<Job>),
    Chore(Errand),
    /// Everything before it is done.
    Stop(oneshot::Sender<()>),
}
