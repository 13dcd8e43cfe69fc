//! Presence: who may know who is there, and say that they type. Nothing of it is stored; the node knows it. Being there
//! is said by a socket, which is asked for it itself.

use super::caller::targets_a_workspace;
use super::{Ask, Caller, Command, DONE, Query, Result, Target, Targeted};
use taskwire_protocol::operations::Nothing;
use taskwire_protocol::presence::{ListPresence, PresenceList, ReportTyping};

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
