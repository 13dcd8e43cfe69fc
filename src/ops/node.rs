//! What operations ask of the node itself, not of its database: who is connected, here and on other
//! instances, what time it is, and that it brings up to date what lags behind.

use super::{Caller, Result};
use crate::store::task_list::{ListIndexes, Scope};
use std::pin::Pin;
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::admin::{ConnectionPage, Instance};
use taskwire_protocol::presence::Presence;
use taskwire_protocol::{InstanceId, SessionId, TaskId, Timestamp, UserId, WorkspaceId};

/// An answer that may take some time.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The node.
pub trait Node: Send + Sync {
    /// Who is in a workspace now.
    fn present(&self, workspace: WorkspaceId) -> Vec<Presence>;

    /// Tells the workspace's watchers that a user is typing.
    fn typing(&self, workspace: WorkspaceId, task: TaskId, user: PublicUser);

    /// The time.
    fn now(&self) -> Timestamp;

    /// The indexes for lists of large workspaces.
    fn list_indexes(&self) -> &ListIndexes;

    /// Has the index of a workspace built that has so many tasks, if it is to have one, in the turns of a user. Does not wait
    /// for it.
    fn want_list_index(&self, user: UserId, workspace: WorkspaceId, tasks: u64);

    /// Makes the keys that order the titles of a list, as far as they are missing. The caller's other work waits its turn
    /// with it.
    fn key_titles(&self, caller: &Caller, scope: Scope<'static>) -> Answering<'_, ()>;

    /// The running instances, this one first.
    fn instances(&self) -> Answering<'_, Vec<Instance>>;

    /// Lists sockets on all instances; with the last one of the page, if there is another page.
    fn connections(&self, which: Which) -> Answering<'_, (ConnectionPage, Option<SocketId>)>;

    /// Closes sockets on all instances, and tells their user that this administrator did it.
    fn kick(&self, whom: Whom, by: Arc<Caller>) -> Answering<'_, ()>;
}

/// Which sockets to list.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    /// Only this user's sockets.
    pub user: Option<UserId>,
    /// Only sockets after this one.
    pub after: Option<SocketId>,
    /// How many sockets at most.
    pub limit: usize,
}

/// Identifies a socket among those of all instances.
pub type SocketId = (InstanceId, u64);

/// Whose sockets to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// All sockets of a user.
    User(UserId),
    /// All sockets of a session.
    Session(SessionId),
}
