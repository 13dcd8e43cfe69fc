//! Where a socket says that its user is: one workspace at a time, as long as the socket lives and the user may read it.
//! Does not know what becomes of it with other sockets; the live part does.

use taskwire_protocol::presence::{Presence, SetPresence};
use taskwire_protocol::{Failure, WorkspaceId};

use super::connection::Connection;
use super::incoming::auth_required;
use super::requests::Asked;
use super::session::{Session, Stage};
use crate::ops::not_found;

impl Connection {
    pub(super) async fn set_presence(&mut self, asked: &Asked, params: &SetPresence) {
        match self.present(params).await {
            Ok(presence) => self.answer_with(asked, &presence),
            Err(failure) => self.refuse(asked, &failure),
        }
    }

    /// Nothing that the user's stream tells is acted on meanwhile: access that is lost after the question is told after
    /// the answer, and ends the presence then.
    async fn present(&mut self, params: &SetPresence) -> Result<Presence, Failure> {
        let Stage::Member(session) = &mut self.stage else {
            return Err(auth_required());
        };
        let (engine, user, workspace) = (&self.app.engine, session.user(), params.workspace_id);
        // a stream that is followed may be read
        if !session.subscriptions.has(workspace.into()) {
            let role = engine.role_in(user, workspace).await?;
            role.ok_or_else(|| not_found("workspace"))?;
        }
        if let Some(task) = params.task_id {
            let place = engine.workspace_of(user, task).await?;
            if place != Some(workspace) {
                return Err(not_found("task in this workspace").at("task_id"));
            }
        }
        if session
            .presence
            .as_ref()
            .is_some_and(|place| place.workspace() != workspace)
        {
            session.presence = None;
        }
        let public = &session.caller.user;
        let presence = session
            .presence
            .get_or_insert_with(|| Box::new(engine.presences().place(workspace, user)));
        Ok(presence.set(public, params.state, params.task_id))
    }
}

impl Session {
    /// The user may no longer read a workspace.
    pub(super) fn leave_presence(&mut self, workspace: WorkspaceId) {
        self.presence
            .take_if(|presence| presence.workspace() == workspace);
    }
}
