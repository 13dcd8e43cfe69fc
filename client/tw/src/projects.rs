//! `project`: lists, makes and changes projects.

use crate::{
    args::{ProjectAction, Within},
    fault::Fault,
    output::Output,
    paging, resolve,
    table::{self, Cell, Row},
    terminal::note,
    text::short,
};
use taskwire_client::{
    Client,
    protocol::{
        Patch, ProjectId, WorkspaceId,
        project::{ArchiveProject, CreateProject, DeleteProject, Project, UpdateProject},
    },
};

pub(crate) async fn project(client: &Client, output: &Output, action: ProjectAction) -> Result<(), Fault> {
    match action {
        ProjectAction::Ls { within } => list(client, output, &within).await,
        ProjectAction::New { name, color, within } => {
            let params = CreateProject {
                workspace_id: of(client, &within).await?,
                name: name.join(" "),
                color,
            };
            show(output, &paging::call(client, &params).await?)
        }
        ProjectAction::Edit {
            project,
            name,
            color,
            before,
            after,
            within,
        } => {
            let workspace = of(client, &within).await?;
            let params = UpdateProject {
                id: resolve::project(client, workspace, &project).await?,
                name,
                color: match color {
                    None => Patch::Keep,
                    Some(color) if color.is_empty() => Patch::Clear,
                    Some(color) => Patch::Set(color),
                },
                before: other(client, workspace, before).await?,
                after: other(client, workspace, after).await?,
            };
            show(output, &paging::call(client, &params).await?)
        }
        ProjectAction::Archive {
            project,
            undo,
            within,
        } => {
            let id = resolve::project(client, of(client, &within).await?, &project).await?;
            let archived = Some(!undo);
            show(
                output,
                &paging::call(client, &ArchiveProject { id, archived }).await?,
            )
        }
        ProjectAction::Delete { project, within } => {
            let id = resolve::project(client, of(client, &within).await?, &project).await?;
            let gone = paging::call(client, &DeleteProject { id }).await?;
            if output.json {
                return output.value(&gone);
            }
            output.line(&format!(
                "{}  deleted; its tasks have no project now",
                short(gone.id)
            ))
        }
    }
}

/// The project of a new task. A name that the workspace does not have yet makes a project, as a tag does.
pub(crate) async fn found_or_made(
    client: &Client,
    output: &Output,
    workspace_id: WorkspaceId,
    text: &str,
) -> Result<ProjectId, Fault> {
    if let Some(id) = resolve::find_project(client, workspace_id, text).await? {
        return Ok(id);
    }
    let params = CreateProject {
        workspace_id,
        name: text.to_owned(),
        color: None,
    };
    let made = paging::call(client, &params).await?;
    if !output.json {
        note(&format!("made the project “{}”", made.name));
    }
    Ok(made.id)
}

/// The workspace in which to look.
async fn of(client: &Client, within: &Within) -> Result<WorkspaceId, Fault> {
    resolve::workspace_or_personal(client, within.workspace.as_deref()).await
}

async fn other(
    client: &Client,
    workspace: WorkspaceId,
    project: Option<String>,
) -> Result<Option<ProjectId>, Fault> {
    match project {
        Some(project) => resolve::project(client, workspace, &project).await.map(Some),
        None => Ok(None),
    }
}

async fn list(client: &Client, output: &Output, within: &Within) -> Result<(), Fault> {
    let projects = resolve::projects(client, of(client, within).await?).await?;
    if output.json {
        return output.value(&projects);
    }
    if projects.is_empty() {
        note("there is no project; `tw project new NAME` makes one");
    }
    let rows: Vec<Row> = projects.iter().map(row).collect();
    output.table(&rows, 1)
}

fn show(output: &Output, project: &Project) -> Result<(), Fault> {
    if output.json {
        return output.value(project);
    }
    output.line(&table::line(&row(project)))
}

fn row(project: &Project) -> Row {
    let archived = if project.is_archived { "archived" } else { "" };
    vec![
        short(project.id).into(),
        Cell::from(&*project.name),
        project.color.as_deref().unwrap_or_default().into(),
        archived.into(),
    ]
}
