//! `who`: who is in the user's workspaces now, and where they look. With `--watch` also each change, until interrupted.

use crate::{
    args::WhoArgs,
    connect::{Context, tell_lost},
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::note,
    text::{CYAN, DIM, time_of_day},
    waiting::waiting_long,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    pin::Pin,
};
use taskwire_client::{
    CallError, Client, Events, Item,
    protocol::{
        ErrorCode, TaskId, Timestamp, WorkspaceId,
        account::PublicUser,
        presence::{ListPresence, PresenceChanged, PresenceNow},
        signals,
        task::GetTask,
        workspace::Workspace,
    },
};

/// Changes that wait to be printed. When there are more, everybody is looked at again instead.
const WAITING: usize = 1000;
/// The column of the titles of tasks.
const TASK: usize = 2;

/// A person in a workspace, as it is printed.
#[derive(Serialize)]
struct Seen {
    workspace_id: WorkspaceId,
    workspace: String,
    user: PublicUser,
    state: PresenceNow,
    task_id: Option<TaskId>,
    /// The title of the task; null for one that is gone.
    task: Option<String>,
    since: Timestamp,
}

pub(crate) async fn who(context: &Context, output: &Output, args: WhoArgs) -> Result<(), Fault> {
    if args.watch {
        return watch(context, output, args.workspace).await;
    }
    let list = async |client: &Client| {
        let seen = Looker::new(client.clone(), args.workspace).everybody().await?;
        if output.json {
            return output.value(&seen);
        }
        if seen.is_empty() {
            note("nobody is there; `tw board` shows others that you are");
        }
        output.table(&seen.iter().map(row).collect::<Vec<_>>(), TASK)
    };
    context.calling(list).await
}

/// Prints who is there at first, and again after each reconnect; and each change as it is signalled.
async fn watch(context: &Context, output: &Output, workspace: Option<String>) -> Result<(), Fault> {
    let (client, events) = Client::connect(context.config()?)?;
    let done = follow(context, output, events, Looker::new(client.clone(), workspace)).await;
    // This waits for a token refresh that is under way, even if the reader of the lines is gone.
    client.close().await;
    done
}

async fn follow(context: &Context, output: &Output, mut events: Events, looker: Looker) -> Result<(), Fault> {
    let (mut todo, mut looker) = (VecDeque::new(), Some(looker));
    let mut look: Option<Look> = None;
    let mut has_begun = false;
    loop {
        if look.is_none()
            && let Some(what) = todo.pop_front()
            && let Some(looker) = looker.take()
        {
            look = Some(Box::pin(looker.look(what)));
        }
        // items are taken while the calls of a look wait for their answers
        let item = tokio::select! {
            seen = async { match &mut look { Some(look) => look.await, None => std::future::pending().await } } => {
                look = None;
                let (seen, back) = seen?;
                looker = Some(back);
                print(output, &seen)?;
                continue;
            }
            item = async {
                if has_begun { events.next().await } else { waiting_long(&context.answer(), events.next()).await }
            } => item,
        };
        has_begun = true;
        match item {
            Some(Item::Connected(_)) => {
                todo.clear();
                todo.push_back(None);
            }
            Some(Item::Signal { signal, data }) if signal == signals::PRESENCE_CHANGED => {
                if todo.len() == WAITING {
                    todo.clear();
                    todo.push_back(None);
                } else {
                    todo.push_back(Some(serde_json::from_str(data.get())?));
                }
            }
            Some(Item::Disconnected { reason, retry_in }) => tell_lost(&reason, retry_in),
            Some(Item::Stopped(why)) => return Err(context.stopped(why)),
            Some(_) => {}
            None => return Ok(()),
        }
    }
}

fn print(output: &Output, seen: &[Seen]) -> Result<(), Fault> {
    seen.iter().try_for_each(|seen| {
        if output.json {
            output.value(seen)
        } else {
            output.line(&table::line(&row(seen)))
        }
    })
}

/// A look at everybody, or at one change; the looker comes back with what it saw.
type Look = Pin<Box<dyn Future<Output = Result<(Vec<Seen>, Looker), Fault>>>>;

/// Looks at people, and remembers the names of what it saw.
struct Looker {
    client: Client,
    /// The only workspace to look at, as the person wrote it.
    only: Option<String>,
    workspaces: Vec<Workspace>,
    titles: BTreeMap<TaskId, Option<String>>,
}

impl Looker {
    fn new(client: Client, only: Option<String>) -> Looker {
        Looker {
            client,
            only,
            workspaces: Vec::new(),
            titles: BTreeMap::new(),
        }
    }

    async fn look(mut self, what: Option<PresenceChanged>) -> Result<(Vec<Seen>, Looker), Fault> {
        let seen = match what {
            None => self.everybody().await?,
            Some(changed) => self.one(changed).await?.into_iter().collect(),
        };
        Ok((seen, self))
    }

    /// Everybody who is there, by workspace.
    async fn everybody(&mut self) -> Result<Vec<Seen>, Fault> {
        self.titles.clear();
        self.workspaces = match &self.only {
            Some(name) => vec![resolve::listed(&self.client, name).await?],
            None => resolve::workspaces(&self.client).await?,
        };
        let mut everybody = Vec::new();
        for workspace in self.workspaces.clone() {
            let workspace_id = workspace.id;
            let there = paging::call(&self.client, &ListPresence { workspace_id }).await?;
            for person in there.items {
                everybody.push(Seen {
                    workspace_id,
                    workspace: workspace.name.to_string(),
                    state: person.state.into(),
                    task: self.title(person.task_id).await?,
                    task_id: person.task_id,
                    since: person.since,
                    user: person.user,
                });
            }
        }
        Ok(everybody)
    }

    /// A change, if it is in a workspace to look at. One that is not known is new to the user.
    async fn one(&mut self, changed: PresenceChanged) -> Result<Option<Seen>, Fault> {
        let is_its = |workspace: &&Workspace| workspace.id == changed.workspace_id;
        if self.only.is_none() && !self.workspaces.iter().any(|workspace| is_its(&workspace)) {
            self.workspaces = resolve::workspaces(&self.client).await?;
        }
        let Some(workspace) = self.workspaces.iter().find(is_its) else {
            return Ok(None);
        };
        let workspace = workspace.name.to_string();
        Ok(Some(Seen {
            workspace,
            workspace_id: changed.workspace_id,
            task: self.title(changed.task_id).await?,
            task_id: changed.task_id,
            state: changed.state,
            since: changed.since,
            user: changed.user,
        }))
    }

    /// The title of a task, as it was when it was first seen. A task may be gone meanwhile.
    async fn title(&mut self, task: Option<TaskId>) -> Result<Option<String>, Fault> {
        let Some(id) = task else { return Ok(None) };
        if let Some(title) = self.titles.get(&id) {
            return Ok(title.clone());
        }
        let title = match paging::call(&self.client, &GetTask { id }).await {
            Ok(task) => Some(task.title.to_string()),
            Err(CallError::Refused(failure)) if failure.code == ErrorCode::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        self.titles.insert(id, title.clone());
        Ok(title)
    }
}

/// A person on one line: name, state, since when, at which task, where.
fn row(seen: &Seen) -> Row {
    let (state, word) = match seen.state {
        PresenceNow::Online => ("online", "since"),
        PresenceNow::Away => ("away", "since"),
        PresenceNow::Offline => ("left", "at"),
    };
    let title = seen.task.as_deref().map(|title| format!("“{title}”"));
    vec![
        Cell::from(&*seen.user.name).and(DIM, &format!(" @{}", seen.user.username)),
        format!("{state} {word} {}", time_of_day(seen.since)).into(),
        title.unwrap_or_default().into(),
        Cell::styled(CYAN, &seen.workspace),
    ]
}
