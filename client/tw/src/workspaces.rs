//! `workspace`: makes and changes workspaces. `list` lists them.

use crate::{
    args::WorkspaceAction, ask, fault::Fault, list, output::Output, paging, resolve, terminal::plain,
    text::short,
};
use taskwire_client::{
    Client,
    protocol::workspace::{
        CreateWorkspace, DeleteWorkspace, LeaveWorkspace, TransferWorkspace, UpdateWorkspace, Workspace,
    },
};

pub(crate) async fn workspace(
    client: &Client,
    output: &Output,
    action: WorkspaceAction,
) -> Result<(), Fault> {
    match action {
        WorkspaceAction::Ls => list::workspaces(client, output).await,
        WorkspaceAction::New { name } => {
            let name = name.join(" ");
            let made = paging::call(client, &CreateWorkspace { name }).await?;
            show(output, &made, "made")
        }
        WorkspaceAction::Rename { workspace, name } => {
            let params = UpdateWorkspace {
                workspace_id: resolve::workspace(client, &workspace).await?,
                name: Some(name.join(" ")),
                stages: None,
            };
            let renamed = paging::call(client, &params).await?;
            show(output, &renamed, "renamed")
        }
        WorkspaceAction::Leave { workspace } => leave(client, output, &workspace).await,
        WorkspaceAction::Transfer { workspace, member } => transfer(client, output, &workspace, member).await,
        WorkspaceAction::Delete { workspace, yes } => delete(client, output, &workspace, yes).await,
    }
}

async fn leave(client: &Client, output: &Output, workspace: &str) -> Result<(), Fault> {
    let workspace = resolve::listed(client, workspace).await?;
    let workspace_id = workspace.id;
    let left = paging::call(client, &LeaveWorkspace { workspace_id }).await?;
    if output.json {
        return output.value(&left);
    }
    show(output, &workspace, "left")
}

async fn transfer(client: &Client, output: &Output, workspace: &str, member: String) -> Result<(), Fault> {
    let workspace = resolve::workspace(client, workspace).await?;
    let people = resolve::people(client, workspace, &[member]).await?;
    let user_id = people.first().copied();
    let params = TransferWorkspace {
        workspace_id: workspace,
        user_id: user_id.ok_or_else(|| Fault::usage("name a member"))?,
    };
    let given = paging::call(client, &params).await?;
    show(output, &given, "has another owner; you are an admin")
}

async fn delete(client: &Client, output: &Output, workspace: &str, yes: bool) -> Result<(), Fault> {
    let workspace = resolve::listed(client, workspace).await?;
    if !yes {
        let what = format!(
            "“{}” and all that is in it will be gone for good, for everybody. Type yes to go on",
            plain(&workspace.name)
        );
        let answer = ask::given_or_asked(None, &what, "--yes")?;
        if !answer.eq_ignore_ascii_case("yes") {
            return Err(Fault::usage("nothing was deleted"));
        }
    }
    let workspace_id = workspace.id;
    let deleted = paging::call(client, &DeleteWorkspace { workspace_id }).await?;
    if output.json {
        return output.value(&deleted);
    }
    show(output, &workspace, "deleted")
}

/// A workspace, and what was done to it.
fn show(output: &Output, workspace: &Workspace, done: &str) -> Result<(), Fault> {
    if output.json {
        return output.value(workspace);
    }
    output.line(&format!(
        "{}  {}  {done}",
        short(workspace.id),
        plain(&workspace.name)
    ))
}
