//! One mutation being decided: for whom, when, and where.

use super::{Caller, Result, bug};
use crate::ids::Ids;
use taskwire_protocol::member::Role;
use taskwire_protocol::{OpId, Timestamp, WorkspaceId};

/// One mutation being decided.
pub struct Act<'a> {
    /// For whom, and by whom.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Makes ids.
    pub ids: &'a Ids,
    /// The client's name for it.
    pub op_id: Option<OpId>,
    /// Where, and as what: of targets in a workspace.
    pub place: Option<(WorkspaceId, Role)>,
}

impl Act<'_> {
    /// An id that bears this moment.
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
