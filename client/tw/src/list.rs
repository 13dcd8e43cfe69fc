//! `ls`, `workspaces`.

use crate::{
    args::ListArgs,
    fault::Fault,
    output::{Output, note, plain, short},
    patient, resolve,
};
use taskwire_client::{
    Client,
    protocol::{
        limits,
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
    let mut params = ListTasks {
        workspace_id,
        status: args.status,
        tag: args.tag,
        priority: args.priority,
        q: args.q,
        sort: args.sort,
        ..ListTasks::default()
    };
    let wanted = args.limit as usize;
    let (mut tasks, mut total) = (Vec::new(), None);
    loop {
        let missing = wanted.saturating_sub(tasks.len());
        params.limit = Some(u32::try_from(missing).unwrap_or(limits::PAGE).min(limits::PAGE));
        let page = patient::call(client, &params).await?;
        tasks.extend(page.items);
        total = total.or(page.total);
        params.cursor = page.next_cursor;
        if params.cursor.is_none() || tasks.len() >= wanted {
            break;
        }
    }
    output.tasks(&tasks)?;
    if let Some(total) = total
        && params.cursor.is_some()
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
