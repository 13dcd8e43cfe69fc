//! What operations ask of the node beside its database: presence of the live part, the other instances of the engine.

use super::Engine;
use crate::live::Presences;
use crate::ops::node::{Answering, Node, Which, Whom};
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::admin::{ConnectionPage, Instance};
use taskwire_protocol::presence::Presence;
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

    /// The workspace of a task that the user may read.
    pub async fn workspace_of(&self, user: UserId, task: TaskId) -> Result<Option<WorkspaceId>, Failure> {
        let store = self.0.store.clone();
        let found = super::spawned(async move {
            crate::store::members::find_role_at_task(&mut store.read().await?, user, task).await
        });
        Ok(found.await?.map(|(workspace, _)| workspace))
    }
}
