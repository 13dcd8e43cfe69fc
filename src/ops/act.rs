//! One mutation being decided: its caller, its time, and the workspace of its target.

use super::bounds::Bounds;
use super::{Caller, Result, bug};
use crate::ids::Ids;
use taskwire_protocol::member::Role;
use taskwire_protocol::{OpId, Timestamp, WorkspaceId};

/// The workspace of a target and the caller's role there; `None` for targets outside workspaces.
pub type Place = Option<(WorkspaceId, Role)>;

/// One mutation being decided.
pub struct Act<'a> {
    /// The account that the mutation is for, and the actor.
    pub caller: &'a Caller,
    /// The time of the mutation: one for all that it writes.
    pub now: Timestamp,
    /// What an account may have.
    pub bounds: &'a Bounds,
    /// Makes ids.
    pub ids: &'a Ids,
    /// The client's id of the mutation.
    pub op_id: Option<OpId>,
    /// The workspace of the target and the caller's role there.
    pub place: Place,
}

impl Act<'_> {
    /// A new id, which contains the time of the mutation.
    pub fn new_id(&self) -> uuid::Uuid {
        self.ids.next_at(self.now.0)
    }

    /// The workspace of the target.
    pub fn workspace(&self) -> Result<WorkspaceId> {
        self.place
            .map(|(workspace, _)| workspace)
            .ok_or_else(|| bug("the target is in no workspace"))
    }
}
