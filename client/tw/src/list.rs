//! `ls`, `workspaces`.

use crate::{
    args::ListArgs,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::short,
};
use taskwire_client::{
    Client,
    protocol::{
        member::Role,
        task::{Everywhere, ListTasks, Where},
        workspace::WorkspaceKind,
    },
};

pub(crate) async fn list(client: &Client, output: &Output, args: ListArgs) -> Result<(), Fault> {
    let workspace_id = match args.workspace.as_deref() {
        None => None,
        Some("all") => Some(Where::Everywhere(Everywhere::All)),
        Some(workspace) => Some(Where::One(resolve::workspace(client, workspace).await?)),
    };
    let params = ListTasks {
        workspace_id,
        status: args.status,
        tag: args.tag,
        priority: args.priority,
        q: args.q,
        sort: args.sort,
        ..ListTasks::default()
    };
    let (mut tasks, mut total) = (Vec::new(), None);
    let more = paging::read(client, params, args.limit as usize, |page| {
        tasks.extend(page.items);
        total = total.or(page.total);
    });
    let more = match args.workspace {
        None => more.await.map_err(resolve::in_personal)?,
        Some(_) => more.await?,
    };
    output.tasks(&tasks)?;
    if let Some(total) = total
        && more
        && !output.json
    {
        note(&format!("{} of {total}; --limit {total} shows all", tasks.len()));
    }
    Ok(())
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
