//! `ls`, `workspaces`.

use crate::{
    args::ListArgs,
    clock,
    fault::Fault,
    members,
    names::Names,
    output::Output,
    paging, resolve,
    table::{Cell, Row},
    terminal::note,
    text::{TITLE, is_past, row, short},
};
use taskwire_client::{
    Client,
    protocol::{
        ProjectId, Timestamp,
        task::{Everywhere, GetTask, ListTasks, Sort, Status, Task, Where},
        workspace::{Workspace, WorkspaceKind},
    },
};

pub(crate) async fn list(client: &Client, output: &Output, args: ListArgs) -> Result<(), Fault> {
    let params = params(client, &args).await?;
    // the server compares moments; a whole day is over at its end, where the person is
    let is_meant = |task: &Task| !args.overdue || task.due_at.is_some_and(|due| is_past(due, task.all_day));
    let none = match params.status {
        _ if args.overdue => "nothing is overdue",
        Some(Status::Pending) if args.status.is_none() && params.workspace_id.is_none() => {
            "no pending tasks in your personal workspace; --status all lists the others too, -w all those everywhere"
        }
        Some(Status::Pending) if args.status.is_none() => {
            "no pending tasks; --status all lists the others too"
        }
        _ => "no tasks",
    };
    show(client, output, params, args.limit, (is_meant, none)).await
}

/// Shows the first tasks of a list that are meant; or says that there are none.
pub(crate) async fn show(
    client: &Client,
    output: &Output,
    params: ListTasks,
    limit: u32,
    (is_meant, none): (impl Fn(&Task) -> bool, &str),
) -> Result<(), Fault> {
    let is_personal = params.workspace_id.is_none();
    let across = matches!(params.workspace_id, Some(Where::Everywhere(_)));
    let (mut tasks, mut total) = (Vec::new(), None);
    let more = paging::read(client, params, limit as usize, |page| {
        tasks.extend(page.items);
        total = total.or(page.total);
    });
    let more = if is_personal {
        more.await.map_err(resolve::in_personal)?
    } else {
        more.await?
    };
    tasks.retain(is_meant);
    if output.json {
        return output.tasks(&tasks);
    }
    let names = Names::in_list(client, &tasks, across).await?;
    let rows: Vec<Row> = tasks.iter().map(|task| row(task, &names)).collect();
    output.table(&rows, TITLE)?;
    if tasks.is_empty() {
        note(none);
    }
    if let Some(total) = total
        && more
    {
        note(&format!("{} of {total}; --limit {total} shows all", tasks.len()));
    }
    Ok(())
}

/// What to ask for: what is left to do, unless a status or a stage is named. A person's tasks, and what is late, are meant
/// to be anywhere.
async fn params(client: &Client, args: &ListArgs) -> Result<ListTasks, Fault> {
    let assignee_id = match (&args.assignee, args.mine) {
        (Some(name), _) => Some(resolve::person(client, name).await?),
        (None, true) => Some(resolve::person(client, "me").await?),
        (None, false) => None,
    };
    let is_anywhere = assignee_id.is_some() || args.overdue;
    // a stage says itself whether its tasks are completed
    let is_pending = args.stage.is_none() || is_anywhere;
    let parent = match &args.parent {
        Some(parent) => {
            let id = resolve::task(client, parent).await?;
            Some(paging::call(client, &GetTask { id }).await?)
        }
        None => None,
    };
    let workspace_id = match args.workspace.as_deref() {
        Some("all") => Some(Where::Everywhere(Everywhere::All)),
        Some(workspace) => Some(Where::One(resolve::workspace(client, workspace).await?)),
        None if parent.is_some() => parent.as_ref().map(|parent| Where::One(parent.workspace_id)),
        None => is_anywhere.then_some(Where::Everywhere(Everywhere::All)),
    };
    Ok(ListTasks {
        parent_id: parent.map(|parent| parent.id),
        project_id: project(client, args.project.as_deref(), workspace_id).await?,
        workspace_id,
        status: args.status.or(is_pending.then_some(Status::Pending)),
        tag: args.tag.clone(),
        priority: args.priority,
        q: args.q.clone(),
        sort: args.sort.or(args.overdue.then_some(Sort::DueAt)),
        due_before: args.overdue.then(clock::now_ms).map(Timestamp),
        assignee_id,
        stage: args.stage.clone(),
        ready: args.ready.then_some(true),
        ..ListTasks::default()
    })
}

/// The project whose tasks are wanted. Names are looked up in one workspace.
async fn project(
    client: &Client,
    project: Option<&str>,
    within: Option<Where>,
) -> Result<Option<ProjectId>, Fault> {
    let Some(project) = project else { return Ok(None) };
    let workspace = match within {
        Some(Where::One(workspace)) => workspace,
        None => resolve::personal(client).await?,
        Some(Where::Everywhere(_)) => {
            let id = project.parse();
            return id.map(Some).map_err(|_| {
                Fault::usage(
                    "a project's name needs its workspace: add --workspace NAME, or write the whole id",
                )
            });
        }
    };
    resolve::project(client, workspace, project).await.map(Some)
}

pub(crate) async fn workspaces(client: &Client, output: &Output) -> Result<(), Fault> {
    let workspaces = resolve::workspaces(client).await?;
    if output.json {
        return output.value(&workspaces);
    }
    if workspaces.is_empty() {
        note("you have no workspace that this sign-in may see");
    }
    let rows: Vec<Row> = workspaces.iter().map(workspace_row).collect();
    output.table(&rows, 1)
}

fn workspace_row(workspace: &Workspace) -> Row {
    let kind = match workspace.kind {
        WorkspaceKind::Personal => "personal",
        WorkspaceKind::Team => "team",
    };
    let role = workspace.role.map(members::word).unwrap_or_default();
    vec![
        short(workspace.id).into(),
        Cell::from(&*workspace.name),
        kind.into(),
        role.into(),
    ]
}
