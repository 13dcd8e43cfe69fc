//! A copy of what a user may read: snapshot + events = state. Pure: no I/O, no clock.
//!
//! - `workspace`  one workspace: its members and tasks
//! - `user`       the user's own: profile, memberships, notifications
//!
//! Does not ask for snapshots: it says when it needs one, and `follower` or the program gets it.

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
    /// It was taken.
    Taken,
    /// The state has it already.
    Old,
    /// The state does not lead up to it (no snapshot, a gap, or the server said `stream.reset`): sync the stream.
    NeedsSync,
}

/// An event or a snapshot that cannot be taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReplicaError {
    /// The payload is not what the contract says.
    #[error("{event} at {stream} {seq} cannot be read: {error}")]
    Payload {
        /// The stream.
        stream: StreamId,
        /// Its place there.
        seq: u64,
        /// The event's name.
        event: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// A later page without the first one.
    #[error("a later page of workspace {0} came without the first one")]
    PageOutOfOrder(WorkspaceId),
}

/// Everything that a user may read, as far as it was synced.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Replica {
    user: Option<UserReplica>,
    workspaces: BTreeMap<WorkspaceId, WorkspaceReplica>,
}

impl Replica {
    /// Nothing yet.
    pub fn new() -> Replica {
        Replica::default()
    }

    /// The user's own state, once synced.
    pub fn user(&self) -> Option<&UserReplica> {
        self.user.as_ref()
    }

    /// A workspace, once its first page was taken.
    pub fn workspace(&self, id: WorkspaceId) -> Option<&WorkspaceReplica> {
        self.workspaces.get(&id)
    }

    /// The synced workspaces, in the order of their ids.
    pub fn workspaces(&self) -> impl Iterator<Item = (WorkspaceId, &WorkspaceReplica)> {
        self.workspaces.iter().map(|(id, workspace)| (*id, workspace))
    }

    /// A task, wherever it is.
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.workspaces.values().find_map(|workspace| workspace.task(id))
    }

    /// Unread notifications; 0 until synced.
    pub fn unread(&self) -> u64 {
        self.user.as_ref().map_or(0, UserReplica::unread)
    }

    /// Takes the user's snapshot. Workspaces that it does not list go.
    pub fn take_user(&mut self, snapshot: UserSnapshot) {
        let user = UserReplica::of(snapshot);
        self.workspaces.retain(|id, _| user.workspaces().contains_key(id));
        self.user = Some(user);
    }

    /// Takes a page of a workspace's snapshot: the first one replaces what was there. Events may be applied between
    /// pages.
    ///
    /// # Errors
    /// When a later page comes without the first one.
    pub fn take_page(&mut self, id: WorkspaceId, page: WorkspaceSnapshot) -> Result<(), ReplicaError> {
        if page.workspace.is_some() {
            self.workspaces.insert(id, WorkspaceReplica::begin(page));
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

    /// Takes an event. `access.lost` forgets the workspace.
    ///
    /// # Errors
    /// When the payload is not what the contract says; the state stays as it was.
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
                if let Some(workspace) = self.workspaces.get_mut(&id) {
                    workspace.apply(frame.seq, event);
                }
            }
        }
        Ok(if reset { Applied::NeedsSync } else { Applied::Taken })
    }

    fn own(&self, id: UserId) -> Option<&UserReplica> {
        self.user.as_ref().filter(|user| user.user().id == id)
    }

    /// The first thing in which two replicas of one user differ, for people; `None` when they agree. Where the two
    /// know a different number of old notifications, those that both must know are compared.
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
