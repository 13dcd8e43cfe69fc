//! What waits for the writers, and its owners.

use crate::ops::Caller;
use crate::store::{StoreError, Transaction};
use std::pin::Pin;
use std::time::Duration;
use taskwire_protocol::UserId;

/// The most mutations in a group.
pub(super) const GROUP: usize = 64;

/// The owner of waiting work: each has a line of its own, and lines take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Whose {
    User(UserId),
    /// The server's own steps for a user, such as those of a sign-in. Who stops a flood of their own must not wait behind it.
    Steps(UserId),
    /// The server's own work, which nobody waits for or everybody does.
    Server,
}

impl Whose {
    pub(super) fn of(caller: &Caller) -> Whose {
        if caller.actor.is_user() {
            Whose::User(caller.user.id)
        } else {
            Whose::Server
        }
    }

    /// Whether what a writer does beyond the usual makes a debtor of the owner.
    pub(super) fn pays(self) -> bool {
        matches!(self, Whose::User(_))
    }
}

/// How long a writer worked for somebody, beyond what it does for anybody.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill {
    pub(super) whose: Whose,
    pub(super) work: Duration,
    /// It led to nothing, or to little.
    pub(super) is_wasted: bool,
}

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
