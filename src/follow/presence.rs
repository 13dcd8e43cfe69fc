//! Where a reader says that its user is: one workspace at a time, as long as the reader lives and the user may read it.
//! `ops` has the rule; `live` merges it with what the user's other readers say.

use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, WorkspaceId};

use super::follower::Follower;
use crate::engine::Engine;

impl Follower {
    /// Says where the user is. The transport acts on nothing that the user's stream tells until this returns: access
    /// that is lost meanwhile ends the presence afterwards.
    pub async fn set_presence(&mut self, engine: &Engine, params: &SetPresence) -> Result<Presence, Failure> {
        let (user, workspace) = (self.user(), params.workspace_id);
        // a stream that is followed may be read
        let reads = self.subscriptions.has(workspace.into());
        engine.may_be_present(user, params, reads).await?;
        self.presence
            .take_if(|presence| presence.workspace() != workspace);
        let presence = self
            .presence
            .get_or_insert_with(|| Box::new(engine.presences().place(workspace, user)));
        Ok(presence.set(&self.caller.user, params.state, params.task_id))
    }

    /// The user may no longer read a workspace.
    pub(super) fn leave_presence(&mut self, workspace: WorkspaceId) {
        self.presence
            .take_if(|presence| presence.workspace() == workspace);
    }
}
