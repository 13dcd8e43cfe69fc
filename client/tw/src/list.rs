//! `ls`, `workspaces`.

use crate::{
    args::ListArgs,
    clock,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::{is_past, short},
};
use taskwire_client::{
    Client,
    protocol::{
        ProjectId, Timestamp,
        member::Role,
        task::{Everywhere, ListTasks, Sort, Status, Task, Where},
        workspace::WorkspaceKind,
    },
};

pub(crate) async fn list(client: &Client, output: &Output, args: ListArgs) -> Result<(), Fault> {
    let params = params(client, &args).await?;
    // the server compares moments; a whole day is over at its end, where the person is
    let is_meant = |task: &Task| !args.overdue || task.due_at.is_some_and(|due| is_past(due, task.all_day));
    show(client, output, params, args.limit, (is_meant, "no tasks")).await
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
    output.tasks(&tasks)?;
    if output.json {
        return Ok(());
    }
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

/// What to ask for. Whoever asks for a person's tasks, or for what is late, means what is left to do anywhere.
async fn params(client: &Client, args: &ListArgs) -> Result<ListTasks, Fault> {
    let assignee_id = match (&args.assignee, args.mine) {
        (Some(name), _) => Some(resolve::person(client, name).await?),
        (None, true) => Some(resolve::person(client, "me").await?),
        (None, false) => None,
    };
    let is_to_do = assignee_id.is_some() || args.overdue;
    let workspace_id = match args.workspace.as_deref() {
        Some("all") => Some(Where::Everywhere(Everywhere::All)),
        Some(workspace) => Some(Where::One(resolve::workspace(client, workspace).await?)),
        None => is_to_do.then_some(Where::Everywhere(Everywhere::All)),
    };
    Ok(ListTasks {
        project_id: project(client, args.project.as_deref(), workspace_id).await?,
        workspace_id,
        status: args.status.or(is_to_do.then_some(Status::Pending)),
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
    workspaces.iter().try_for_each(|workspace| {
        let role = match workspace.role {
            Some(Role::Viewer) => "viewer",
            Some(Role::Member) => "member",
            Some(Role::Admin) => "admin",
            Some(Role::Owner) => "owner",
            None => "",
        };
        let kind = match workspace.kind {
            WorkspaceKind::Personal => "personal",
            WorkspaceKind::Team => "team",
        };
        output.line(&format!(
            "{}  {}  {kind}  {role}",
            short(workspace.id),
            plain(&workspace.name)
        ))
    })
}
