//! What operations ask of the node beside its database. Presence comes from the live part, the other instances from the
//! engine.

use super::Engine;
use crate::live::Presences;
use crate::ops::node::{Answering, Node, Which, Whom};
use crate::ops::{self, presence};
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::admin::{ConnectionPage, Instance};
use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, TaskId, UserId, WorkspaceId};

impl Node for Engine {
    fn present(&self, workspace: WorkspaceId) -> Vec<Presence> {
        self.0.presences.list(workspace)
    }

    fn typing(&self, workspace: WorkspaceId, task: TaskId, user: PublicUser) {
        self.0.presences.typing(workspace, task, user);
    }

    fn instances(&self) -> Answering<'_, Vec<Instance>> {
        Box::pin(Engine::instances(self))
    }

    fn connections(&self, which: Which) -> Answering<'_, ConnectionPage> {
        Box::pin(Engine::connections(self, which))
    }

    fn kick(&self, whom: Whom) -> Answering<'_, ()> {
        Box::pin(Engine::kick(self, whom))
    }
}

impl Engine {
    /// Who is there.
    pub fn presences(&self) -> &Arc<Presences> {
        &self.0.presences
    }

    /// Whether a user may be present where they say. `reads`: it is known that they may read the workspace.
    pub async fn may_be_present(
        &self,
        user: UserId,
        params: &SetPresence,
        reads: bool,
    ) -> Result<(), Failure> {
        let (store, params) = (self.0.store.clone(), params.clone());
        // in a task of its own: a read that is dropped half-way could leave a transaction in the pool
        let asked = tokio::spawn(async move { presence::may_be_present(&store, user, &params, reads).await });
        asked
            .await
            .unwrap_or_else(|_| Err(ops::bug("a read failed; the server's log has the reason")))
    }
}
