//! What operations ask of the node itself, not of its database. `live` answers about presence, `instances` about
//! sockets.

use super::item::Whose;
use super::{Caller, Engine};
use crate::live::Presences;
use crate::ops::node::{Answering, Node, SocketId, Which, Whom};
use crate::ops::{self, Index, presence};
use crate::store::task_list::{ListIndexes, Scope};
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::admin::{ConnectionPage, Instance};
use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, TaskId, Timestamp, UserId, WorkspaceId};

impl Node for Engine {
    fn present(&self, workspace: WorkspaceId) -> Vec<Presence> {
        self.0.presences.list(workspace)
    }

    fn typing(&self, workspace: WorkspaceId, task: TaskId, user: PublicUser) {
        self.charge_signal(workspace, user.id);
        self.0.presences.typing(workspace, task, user);
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.0.clock.now_ms())
    }

    fn list_indexes(&self) -> &ListIndexes {
        &self.0.list_indexes
    }

    fn want_list_index(&self, user: UserId, workspace: WorkspaceId, tasks: u64) {
        Engine::want_list_index(self, user, workspace, tasks);
    }

    fn key_titles(&self, caller: &Caller, scope: Scope<'static>) -> Answering<'_, ()> {
        Box::pin(self.index_before(Whose::of(caller), Index::Titles, scope))
    }

    fn instances(&self) -> Answering<'_, Vec<Instance>> {
        Box::pin(Engine::instances(self))
    }

    fn connections(&self, which: Which) -> Answering<'_, (ConnectionPage, Option<SocketId>)> {
        Box::pin(Engine::connections(self, which))
    }

    fn kick(&self, whom: Whom, by: Arc<Caller>) -> Answering<'_, ()> {
        Box::pin(Engine::kick(self, whom, by))
    }
}

impl Engine {
    /// Which users are present in which workspaces.
    pub fn presences(&self) -> &Arc<Presences> {
        &self.0.presences
    }

    /// Checks that a user may be present where they say. `reads`: the user is already known to be allowed to read the
    /// workspace.
    pub async fn may_be_present(
        &self,
        caller: &Caller,
        params: &SetPresence,
        reads: bool,
    ) -> Result<(), Failure> {
        if !caller.reaches(params.workspace_id) {
            return Err(ops::not_found("workspace"));
        }
        self.charge_signal(params.workspace_id, caller.user.id);
        let (store, user, params) = (self.0.store.clone(), caller.user.id, params.clone());
        // in a separate task: a read that is dropped halfway could leave an open transaction in the pool
        let asked = tokio::spawn(async move { presence::may_be_present(&store, user, &params, reads).await });
        asked
            .await
            .unwrap_or_else(|_| Err(ops::bug("a read failed; the server's log has the reason")))
    }
}
