//! Presence: who may list the users present in a workspace, be present there, and report typing. Nothing is stored; the
//! node holds presence in memory.

use super::caller::targets_a_workspace;
use super::{Ask, Caller, Command, DONE, Query, Result, Target, Targeted, not_found};
use crate::store::{Store, members};
use taskwire_protocol::UserId;
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::presence::{ListPresence, PresenceList, ReportTyping, SetPresence};

/// Checks that a user may be present where they say: in a workspace that they may read, at a task of that workspace.
/// `reads`: the user is already known to be allowed to read the workspace.
pub async fn may_be_present(store: &Store, user: UserId, params: &SetPresence, reads: bool) -> Result<()> {
    let workspace = params.workspace_id;
    if !reads {
        let mut reader = store.read().await?;
        let role = members::find_role(&mut reader, user, workspace).await?;
        role.ok_or_else(|| not_found("workspace"))?;
    }
    if let Some(task) = params.task_id {
        let mut reader = store.read().await?;
        let place = members::find_role_at_task(&mut reader, user, task).await?;
        if place.is_none_or(|(place, _)| place != workspace) {
            return Err(not_found("task in this workspace").at("task_id"));
        }
    }
    Ok(())
}

targets_a_workspace!(ListPresence);

impl Query for ListPresence {
    async fn answer(self, ask: Ask) -> Result<PresenceList> {
        let items = ask.node.present(self.workspace_id);
        Ok(PresenceList { items })
    }
}

impl Targeted for ReportTyping {
    fn target(&self, _: &Caller) -> Target {
        Target::Task(self.task_id)
    }
}

impl Command for ReportTyping {
    async fn act(self, ask: Ask) -> Result<Nothing> {
        ask.node
            .typing(ask.workspace()?, self.task_id, ask.caller.user.clone());
        Ok(DONE)
    }
}
