//! The presence that a reader sets for its user: in one workspace at a time, as long as the reader lives and the user
//! may read the workspace. `ops` has the rule; `live` merges the presences of all the user's readers.

use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, WorkspaceId};

use super::follower::Follower;
use crate::engine::Engine;

impl Follower {
    /// Sets the user's presence. The transport acts on no control of the user's stream until this returns: a loss of
    /// access meanwhile ends the presence afterwards.
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

    /// Ends the presence in a workspace that the user may no longer read.
    pub(super) fn leave_presence(&mut self, workspace: WorkspaceId) {
        self.presence
            .take_if(|presence| presence.workspace() == workspace);
    }
}
