//! The presence that a reader sets for its user: in one workspace at a time, as long as the reader lives and the user
//! may read the workspace. A reader that is lost may come back, so its presence ends a little later. `ops` has the rule;
//! `live` merges the presences of all the user's readers.

use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, WorkspaceId};

use super::follower::Follower;
use crate::engine::Engine;
use crate::live::PresenceGuard;

impl Follower {
    /// Sets the user's presence. The transport acts on no control of the user's stream until this returns: a loss of
    /// access meanwhile ends the presence afterwards.
    pub async fn set_presence(&mut self, engine: &Engine, params: &SetPresence) -> Result<Presence, Failure> {
        let (user, workspace) = (self.user(), params.workspace_id);
        // a stream that is followed may be read
        let reads = self.subscriptions.has(workspace.into());
        engine.may_be_present(&self.caller, params, reads).await?;
        self.end_presence(|presence| presence.workspace() != workspace);
        let presence = self
            .presence
            .get_or_insert_with(|| Box::new(engine.presences().place(workspace, user)));
        Ok(presence.set(&self.caller.user, params.state, params.task_id))
    }

    /// Ends the presence in a workspace that the user may no longer read.
    pub(super) fn leave_presence(&mut self, workspace: WorkspaceId) {
        self.end_presence(|presence| presence.workspace() == workspace);
    }

    /// The user will not come back: nobody waits for them.
    pub fn leave_for_good(&mut self) {
        self.end_presence(|_| true);
    }

    fn end_presence(&mut self, ends: impl FnOnce(&PresenceGuard) -> bool) {
        if let Some(presence) = self.presence.take_if(|presence| ends(presence)) {
            presence.end();
        }
    }
}
