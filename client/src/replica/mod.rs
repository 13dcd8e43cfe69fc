//! A copy of what a user may read: snapshot + events = state. Pure: no I/O, no clock.
//!
//! - [`WorkspaceReplica`]: one workspace, its members and tasks
//! - [`UserReplica`]: the user's own state: profile, memberships, notifications
//!
//! A replica does not fetch snapshots. It says when it needs one; a [`Follower`](crate::Follower) or the program
//! fetches it.

#[cfg(test)]
mod tests;
mod user;
mod workspace;

pub use user::UserReplica;
pub use workspace::WorkspaceReplica;

use std::collections::BTreeMap;
use taskwire_protocol::{
    Event, StreamId, TaskId, UserId, WorkspaceId, account::UserSnapshot, frames::EventFrame, task::Task,
    workspace::WorkspaceSnapshot,
};
use thiserror::Error;

/// What an event did to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Applied {
    /// The event was applied.
    Taken,
    /// The state contains the event already.
    Old,
    /// The event does not follow the state: there is no snapshot, there is a gap, or the server sent `stream.reset`.
    /// Sync the stream.
    NeedsSync,
}

/// Why an event or a snapshot cannot be applied.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The payload does not follow the contract.
    #[error("{event} at {stream} {seq} cannot be read: {error}")]
    Payload {
        /// The stream.
        stream: StreamId,
        /// The event's place in the stream.
        seq: u64,
        /// The event's name.
        event: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A later page arrived without the first one.
    #[error("a later page of workspace {0} arrived without the first one")]
    PageOutOfOrder(WorkspaceId),
}

/// Everything that a user may read, as far as it is synced.
///
/// The [crate's page](crate#snapshot--events--state) has an example.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    user: Option<UserReplica>,
    workspaces: BTreeMap<WorkspaceId, WorkspaceReplica>,
}

impl Replica {
    /// An empty replica.
    pub fn new() -> Replica {
        Replica::default()
    }

    /// The user's own state; `None` until it is synced.
    pub fn user(&self) -> Option<&UserReplica> {
        self.user.as_ref()
    }

    /// A workspace; `None` until its first page was taken.
    pub fn workspace(&self, id: WorkspaceId) -> Option<&WorkspaceReplica> {
        self.workspaces.get(&id)
    }

    /// The synced workspaces, in the order of their ids.
    pub fn workspaces(&self) -> impl Iterator<Item = (WorkspaceId, &WorkspaceReplica)> {
        self.workspaces.iter().map(|(id, workspace)| (*id, workspace))
    }

    /// A task of any workspace.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.workspaces.values().find_map(|workspace| workspace.task(id))
    }

    /// The number of unread notifications; 0 until the user is synced.
    pub fn unread(&self) -> u64 {
        self.user.as_ref().map_or(0, UserReplica::unread)
    }

    /// Takes the user's snapshot. Forgets the workspaces that it does not list.
    pub fn take_user(&mut self, snapshot: UserSnapshot) {
        let user = UserReplica::of(snapshot);
        self.workspaces.retain(|id, _| user.workspaces().contains_key(id));
        self.user = Some(user);
        let ids: Vec<WorkspaceId> = self.workspaces.keys().copied().collect();
        for id in ids {
            self.tell_user_of(id);
        }
    }

    /// The user's list of workspaces shows this one as its own stream does, if that is newer.
    fn tell_user_of(&mut self, id: WorkspaceId) {
        let workspace = self.workspaces.get(&id).and_then(WorkspaceReplica::workspace);
        if let (Some(user), Some(workspace)) = (&mut self.user, workspace) {
            user.take_workspace(workspace);
        }
    }

    /// Takes a page of a workspace's snapshot. The first page replaces the workspace. Events may be applied between
    /// pages.
    ///
    /// # Errors
    /// When a later page arrives without the first one.
    pub fn take_page(&mut self, id: WorkspaceId, page: WorkspaceSnapshot) -> Result<(), ReplicaError> {
        if page.workspace.is_some() {
            self.workspaces.insert(id, WorkspaceReplica::begin(page));
            self.tell_user_of(id);
            return Ok(());
        }
        let workspace = self.workspaces.get_mut(&id);
        workspace.ok_or(ReplicaError::PageOutOfOrder(id))?.take_page(page);
        Ok(())
    }

    /// Forgets a stream.
    pub fn forget(&mut self, stream: StreamId) {
        match stream {
            StreamId::User(_) => self.user = None,
            StreamId::Workspace(id) => {
                self.workspaces.remove(&id);
            }
        }
    }

    /// Applies an event. `access.lost` forgets the workspace.
    ///
    /// # Errors
    /// When the payload does not follow the contract. In this case the state does not change.
    pub fn apply(&mut self, frame: &EventFrame) -> Result<Applied, ReplicaError> {
        let seq = match frame.stream {
            StreamId::User(id) => self.own(id).map(UserReplica::seq),
            StreamId::Workspace(id) => self.workspaces.get(&id).map(WorkspaceReplica::seq),
        };
        match seq {
            Some(seq) if frame.seq <= seq => return Ok(Applied::Old),
            Some(seq) if frame.seq == seq + 1 => {}
            _ => return Ok(Applied::NeedsSync),
        }
        let event = Event::read(&frame.event, &frame.data).map_err(|error| ReplicaError::Payload {
            stream: frame.stream,
            seq: frame.seq,
            event: frame.event.clone(),
            error,
        })?;
        if let Event::AccessLost(lost) = &event {
            self.workspaces.remove(&lost.workspace_id);
        }
        let reset = matches!(event, Event::StreamReset(_));
        match frame.stream {
            StreamId::User(_) => {
                if let Some(user) = &mut self.user {
                    user.apply(frame.seq, event);
                }
            }
            StreamId::Workspace(id) => {
                let renames = matches!(event, Event::WorkspaceUpdated(_));
                if let Some(workspace) = self.workspaces.get_mut(&id) {
                    workspace.apply(frame.seq, event);
                }
                if renames {
                    self.tell_user_of(id);
                }
            }
        }
        Ok(if reset { Applied::NeedsSync } else { Applied::Taken })
    }

    fn own(&self, id: UserId) -> Option<&UserReplica> {
        self.user.as_ref().filter(|user| user.user().id == id)
    }

    /// Describes the first difference between two replicas of one user; `None` when they agree. It compares only the
    /// notifications that both replicas must hold. Which older ones a replica holds depends on when it was synced.
    pub fn difference(&self, other: &Replica) -> Option<String> {
        let ids: Vec<_> = self.workspaces.keys().collect();
        let others: Vec<_> = other.workspaces.keys().collect();
        if ids != others {
            return Some(format!("workspaces: {ids:?} and {others:?}"));
        }
        match (&self.user, &other.user) {
            (Some(user), Some(others)) => {
                if let Some(difference) = user.difference(others) {
                    return Some(format!("user: {difference}"));
                }
            }
            (None, None) => {}
            _ => return Some("user: only one is synced".to_owned()),
        }
        let mut pairs = self.workspaces.iter().zip(other.workspaces.values());
        pairs.find_map(|((id, workspace), others)| {
            let difference = workspace.difference(others)?;
            Some(format!("workspace {id}: {difference}"))
        })
    }
}

/// The first key under which two maps differ.
fn map_difference<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    one: &BTreeMap<K, V>,
    other: &BTreeMap<K, V>,
) -> Option<String> {
    let keys = one
        .keys()
        .chain(other.keys().filter(|key| !one.contains_key(key)));
    let mut differing = keys.filter(|key| one.get(key) != other.get(key));
    let key = differing.next()?;
    Some(format!(
        "{what} {key:?}: {:?} and {:?}",
        one.get(key),
        other.get(key)
    ))
}
