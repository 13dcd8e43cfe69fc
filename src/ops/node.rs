//! What operations ask of the node beside its database: who is connected here and on other instances.

use super::Result;
use std::pin::Pin;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::admin::{ConnectionPage, Instance};
use taskwire_protocol::presence::Presence;
use taskwire_protocol::{InstanceId, SessionId, TaskId, UserId, WorkspaceId};

/// An answer that may take a moment.
pub type Answering<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The node.
pub trait Node: Send + Sync {
    /// Who is in a workspace now.
    fn present(&self, workspace: WorkspaceId) -> Vec<Presence>;

    /// Tells those who watch the workspace that somebody is typing.
    fn typing(&self, workspace: WorkspaceId, task: TaskId, user: PublicUser);

    /// The instances that run, this one first.
    fn instances(&self) -> Answering<'_, Vec<Instance>>;

    /// The sockets on all instances.
    fn connections(&self, which: Which) -> Answering<'_, ConnectionPage>;

    /// Closes sockets on all instances.
    fn kick(&self, whom: Whom) -> Answering<'_, ()>;
}

/// Which sockets are looked for.
#[derive(Clone, Copy, Debug)]
pub struct Which {
    /// Only this person's.
    pub user: Option<UserId>,
    /// Those after this one.
    pub after: Option<SocketId>,
    /// How many at most.
    pub limit: usize,
}

/// A socket, among those of all instances.
pub type SocketId = (InstanceId, u64);

/// Whose sockets are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A person's.
    User(UserId),
    /// A session's.
    Session(SessionId),
}
