//! The names of people and workspaces that tasks name by ids. Asks only about those that are shown.

use crate::{fault::Fault, paging, resolve, terminal::plain};
use futures_util::{StreamExt as _, stream};
use std::collections::{BTreeMap, BTreeSet};
use taskwire_client::{
    CallError, Client,
    protocol::{UserId, WorkspaceId, account::GetUser, task::Task},
};

/// Questions about people that are under way at once.
const AT_ONCE: usize = 16;

/// Names by ids.
#[derive(Default)]
pub(crate) struct Names {
    people: BTreeMap<UserId, String>,
    workspaces: BTreeMap<WorkspaceId, String>,
}

impl Names {
    /// The username with its @.
    pub(crate) fn username(&self, id: UserId) -> Option<String> {
        Some(format!("@{}", plain(self.people.get(&id)?)))
    }

    pub(crate) fn workspace(&self, id: WorkspaceId) -> Option<&str> {
        self.workspaces.get(&id).map(String::as_str)
    }

    /// The names of the people whom these tasks are assigned to; with `across`, those of the workspaces too.
    pub(crate) async fn in_list(client: &Client, tasks: &[Task], across: bool) -> Result<Names, Fault> {
        let mut names = Names::default();
        let people = tasks.iter().flat_map(|task| task.assignee_ids.iter().copied());
        names.learn_people(client, people.collect()).await?;
        if across && !tasks.is_empty() {
            names.learn_workspaces(client).await?;
        }
        Ok(names)
    }

    /// The names around one task.
    pub(crate) async fn of_task(client: &Client, task: &Task) -> Result<Names, Fault> {
        let mut names = Names::default();
        let people = task.assignee_ids.iter().copied().chain([task.created_by]);
        names.learn_people(client, people.collect()).await?;
        names.learn_workspaces(client).await?;
        Ok(names)
    }

    /// People who share no workspace with the user any more have no name here.
    async fn learn_people(&mut self, client: &Client, mut people: BTreeSet<UserId>) -> Result<(), Fault> {
        if people.is_empty() {
            return Ok(());
        }
        let welcome = client.ready().await?;
        let me = &welcome.user;
        if people.remove(&me.id) {
            self.people.insert(me.id, me.username.to_string());
        }
        let asked = people
            .into_iter()
            .map(|id| async move { paging::call(client, &GetUser { id }).await });
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            if let Some(user) = known(answer)? {
                self.people.insert(user.id, user.username.to_string());
            }
        }
        Ok(())
    }

    async fn learn_workspaces(&mut self, client: &Client) -> Result<(), Fault> {
        let workspaces = known(resolve::all_workspaces(client).await)?.unwrap_or_default();
        let named = workspaces
            .into_iter()
            .map(|workspace| (workspace.id, workspace.name.to_string()));
        self.workspaces.extend(named);
        Ok(())
    }
}

/// What may not be read has no name; that is no error of the command.
pub(crate) fn known<T>(answer: Result<T, CallError>) -> Result<Option<T>, Fault> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
