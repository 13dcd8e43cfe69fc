//! Finds tasks by the end of the id, workspaces by name, and people by username.

use crate::{fault::Fault, paging, terminal::plain};
use taskwire_client::{
    CallError, Client,
    protocol::{
        ErrorCode, Failure, ProjectId, TagId, TaskId, UserId, WorkspaceId,
        member::ListMembers,
        project::{ListProjects, Project},
        tag::{ListTags, Tag},
        task::{Everywhere, ListTasks, Sort, Status, Task, Where},
        workspace::{ListWorkspaces, Workspace, WorkspaceKind},
    },
};
use uuid::Uuid;

/// The fewest characters of an id that are accepted. Fewer would match other ids by accident.
const SHORTEST: usize = 4;
/// The error about an ambiguous id lists this many candidates.
const CANDIDATES: usize = 10;

/// The task with this id, or whose id ends or begins with this text.
pub(crate) async fn task(client: &Client, text: &str) -> Result<TaskId, Fault> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let part = id_part(text).ok_or_else(|| {
        Fault::usage(format!(
            "{text:?} is not a task id; write at least its last {SHORTEST} characters, as `tw ls` shows them"
        ))
    })?;
    let mut found: Vec<Task> = Vec::new();
    let params = ListTasks {
        workspace_id: Some(Where::Everywhere(Everywhere::All)),
        status: Some(Status::All),
        sort: Some(Sort::UpdatedAtDesc),
        ..ListTasks::default()
    };
    let read = paging::read(client, params, paging::ALL, |page| {
        found.extend(page.items.into_iter().filter(|task| matches(task.id.0, &part)));
    });
    read.await?;
    // A task that changes while the pages are read may be on two of them.
    found.sort_by_key(|task| task.id);
    found.dedup_by_key(|task| task.id);
    match found.as_slice() {
        [] => Err(Fault::not_found(format!(
            "no task id begins or ends with {text}; `tw ls --workspace all --status all` lists all tasks"
        ))),
        [task] => Ok(task.id),
        tasks => Err(ambiguous(text, tasks)),
    }
}

/// Finds all these tasks, so that a missing one is an error before any task is changed.
pub(crate) async fn tasks(client: &Client, texts: &[String]) -> Result<Vec<TaskId>, Fault> {
    let mut ids = Vec::with_capacity(texts.len());
    for text in texts {
        ids.push(task(client, text).await?);
    }
    Ok(ids)
}

fn ambiguous(text: &str, tasks: &[Task]) -> Fault {
    let shown: Vec<String> = tasks
        .iter()
        .take(CANDIDATES)
        .map(|task| format!("{} ({})", task.id, plain(&task.title)))
        .collect();
    let more = if tasks.len() > CANDIDATES { ", …" } else { "" };
    Fault::usage(format!(
        "{text} matches {} tasks; write more of the id: {}{more}",
        tasks.len(),
        shown.join(", ")
    ))
}

/// The part of an id in this text, without dashes; `None` if it is not hexadecimal or too short.
fn id_part(text: &str) -> Option<String> {
    let part = text.replace('-', "").to_ascii_lowercase();
    let hex = part.chars().all(|c| c.is_ascii_hexdigit());
    (hex && (SHORTEST..=32).contains(&part.len())).then_some(part)
}

fn matches(id: Uuid, part: &str) -> bool {
    let id = id.simple().to_string();
    id.ends_with(part) || id.starts_with(part)
}

/// The one of these ids that this text is, ends or begins. Each has a name, for the error; `listing` is the command that
/// lists them.
pub(crate) fn one_of(these: &[(Uuid, &str)], text: &str, what: &str, listing: &str) -> Result<Uuid, Fault> {
    let part = id_part(text).ok_or_else(|| {
        Fault::usage(format!(
            "{text:?} is not an id; write at least its last {SHORTEST} characters, as {listing} shows them"
        ))
    })?;
    let found = these.iter().filter(|(id, _)| matches(*id, &part));
    match found.collect::<Vec<_>>().as_slice() {
        [(id, _)] => Ok(*id),
        [] => Err(Fault::not_found(format!(
            "the id of no {what} begins or ends with {text}; {listing} lists yours"
        ))),
        several => {
            let shown = several.iter().take(CANDIDATES);
            let shown: Vec<String> = shown
                .map(|(id, name)| format!("{id} ({})", plain(name)))
                .collect();
            Err(Fault::usage(format!(
                "{text} matches several: write more of the id: {}",
                shown.join(", ")
            )))
        }
    }
}

/// All workspaces of the user.
pub(crate) async fn workspaces(client: &Client) -> Result<Vec<Workspace>, Fault> {
    Ok(all_workspaces(client).await?)
}

/// The same, with the error of the call.
pub(crate) async fn all_workspaces(client: &Client) -> Result<Vec<Workspace>, CallError> {
    let params = ListWorkspaces {
        limit: None,
        cursor: None,
    };
    let mut workspaces = Vec::new();
    paging::read(client, params, paging::ALL, |page| workspaces.extend(page.items)).await?;
    Ok(workspaces)
}

/// The workspace with this id or name, or whose id begins or ends with this text. A whole id is returned without a
/// look-up.
pub(crate) async fn workspace(client: &Client, text: &str) -> Result<WorkspaceId, Fault> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    Ok(listed(client, text).await?.id)
}

/// The workspace that somebody names, or the personal one.
pub(crate) async fn workspace_or_personal(client: &Client, text: Option<&str>) -> Result<WorkspaceId, Fault> {
    match text {
        Some(text) => workspace(client, text).await,
        None => personal(client).await,
    }
}

/// The user's workspace with this id or name, or whose id begins or ends with this text.
pub(crate) async fn listed(client: &Client, text: &str) -> Result<Workspace, Fault> {
    let workspaces = workspaces(client).await?;
    let id = text.parse::<WorkspaceId>().ok();
    let named = |workspace: &&Workspace| {
        id == Some(workspace.id) || workspace.name.to_lowercase() == text.to_lowercase()
    };
    let mut found: Vec<&Workspace> = workspaces.iter().filter(named).collect();
    if found.is_empty()
        && let Some(part) = id_part(text)
    {
        found = workspaces.iter().filter(|w| matches(w.id.0, &part)).collect();
    }
    match found.as_slice() {
        [workspace] => Ok((*workspace).clone()),
        [] => Err(Fault::not_found(format!(
            "you have no workspace {text:?}; {}`tw workspaces` lists yours",
            meant(&workspaces, text)
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(|workspace| workspace.id.to_string()).collect();
            Err(Fault::usage(format!(
                "{text:?} matches {} workspaces; write the id: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// The workspaces that somebody may have meant by a part of the name.
fn meant(workspaces: &[Workspace], text: &str) -> String {
    let part = text.to_lowercase();
    let named = workspaces
        .iter()
        .filter(|one| one.name.to_lowercase().contains(&part));
    let names: Vec<String> = named
        .take(CANDIDATES)
        .map(|one| format!("“{}”", plain(&one.name)))
        .collect();
    if names.is_empty() || part.is_empty() {
        return String::new();
    }
    format!("is it {}? ", names.join(" or "))
}

/// All projects of a workspace, in their order.
pub(crate) async fn projects(client: &Client, workspace_id: WorkspaceId) -> Result<Vec<Project>, CallError> {
    let params = ListProjects {
        workspace_id,
        limit: None,
        cursor: None,
    };
    let mut projects = Vec::new();
    paging::read(client, params, paging::ALL, |page| projects.extend(page.items)).await?;
    Ok(projects)
}

/// The project of a workspace with this id or name, or whose id begins or ends with this text. A whole id is returned
/// without a look-up.
pub(crate) async fn project(client: &Client, workspace: WorkspaceId, text: &str) -> Result<ProjectId, Fault> {
    let found = find_project(client, workspace, text).await?;
    found.ok_or_else(|| {
        Fault::not_found(format!(
            "this workspace has no project {text:?}; `tw project ls` lists its projects, `tw project new` makes one"
        ))
    })
}

/// The same; `None` if there is no such project.
pub(crate) async fn find_project(
    client: &Client,
    workspace: WorkspaceId,
    text: &str,
) -> Result<Option<ProjectId>, Fault> {
    if let Ok(id) = text.parse() {
        return Ok(Some(id));
    }
    let projects = projects(client, workspace).await?;
    let is_named = |project: &&Project| project.name.to_lowercase() == text.to_lowercase();
    let mut found: Vec<&Project> = projects.iter().filter(is_named).collect();
    if found.is_empty()
        && let Some(part) = id_part(text)
    {
        found = projects
            .iter()
            .filter(|project| matches(project.id.0, &part))
            .collect();
    }
    match found.as_slice() {
        [project] => Ok(Some(project.id)),
        [] => Ok(None),
        several => {
            let ids: Vec<String> = several.iter().map(|project| project.id.to_string()).collect();
            Err(Fault::usage(format!(
                "{text:?} matches {} projects; write the id: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// All tags of a workspace, by name.
pub(crate) async fn tags(client: &Client, workspace_id: WorkspaceId) -> Result<Vec<Tag>, Fault> {
    let params = ListTags {
        workspace_id,
        limit: None,
        cursor: None,
    };
    let mut tags = Vec::new();
    paging::read(client, params, paging::ALL, |page| tags.extend(page.items)).await?;
    Ok(tags)
}

/// The tag of a workspace with this name or id, or whose id begins or ends with this text.
pub(crate) async fn tag(client: &Client, workspace: WorkspaceId, text: &str) -> Result<Tag, Fault> {
    tag_among(&tags(client, workspace).await?, text).cloned()
}

/// The tags with this name. Case makes no difference; the server knows that better, and refuses what this overlooks.
pub(crate) fn named<'t>(tags: &'t [Tag], name: &str) -> impl Iterator<Item = &'t Tag> {
    let name = name.trim().to_lowercase();
    tags.iter().filter(move |tag| tag.name.to_lowercase() == name)
}

/// The tag of these with this name or id, or whose id begins or ends with this text.
pub(crate) fn tag_among<'t>(tags: &'t [Tag], text: &str) -> Result<&'t Tag, Fault> {
    let mut found: Vec<&Tag> = named(tags, text).collect();
    if found.is_empty() {
        found = match (text.parse::<TagId>(), id_part(text)) {
            (Ok(id), _) => tags.iter().filter(|tag| tag.id == id).collect(),
            (Err(_), Some(part)) => tags.iter().filter(|tag| matches(tag.id.0, &part)).collect(),
            (Err(_), None) => Vec::new(),
        };
    }
    match found.as_slice() {
        [tag] => Ok(tag),
        [] => Err(Fault::not_found(format!(
            "this workspace has no tag {text:?}; `tw tag ls` lists its tags"
        ))),
        several => {
            let ids: Vec<String> = several.iter().map(|tag| tag.id.to_string()).collect();
            Err(Fault::usage(format!(
                "{text:?} matches {} tags; write the id: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
    }
}

/// The user's personal workspace.
pub(crate) async fn personal(client: &Client) -> Result<WorkspaceId, Fault> {
    let workspaces = workspaces(client).await?;
    let personal = workspaces
        .into_iter()
        .find(|workspace| workspace.kind == WorkspaceKind::Personal);
    personal.map(|workspace| workspace.id).ok_or_else(no_personal)
}

/// Everybody has a personal workspace, so the token must be one that does not see it.
fn no_personal() -> Fault {
    Fault::not_found("this token does not see your personal workspace; name one with --workspace")
}

/// The fault of a call that named no workspace, so that it was about the personal one.
pub(crate) fn in_personal(error: CallError) -> Fault {
    match error {
        CallError::Refused(failure) if failure.code == ErrorCode::NotFound && is_about_it(&failure) => {
            no_personal()
        }
        error => error.into(),
    }
}

fn is_about_it(failure: &Failure) -> bool {
    let field = failure.field.as_deref();
    field.is_none_or(|field| field == "workspace_id")
}

/// Members of a workspace: `me`, usernames or ids.
pub(crate) async fn people(
    client: &Client,
    workspace_id: WorkspaceId,
    names: &[String],
) -> Result<Vec<UserId>, Fault> {
    let by_name = names
        .iter()
        .any(|name| name != "me" && name.parse::<UserId>().is_err());
    let members = if by_name {
        members(client, workspace_id).await?
    } else {
        Vec::new()
    };
    let mut people = Vec::new();
    for name in names {
        let person = if name == "me" {
            client.ready().await?.user.id
        } else if let Ok(id) = name.parse() {
            id
        } else {
            let username = name.trim_start_matches('@').to_lowercase();
            let member = members.iter().find(|(_, name)| *name == username);
            let (id, _) = member.ok_or_else(|| {
                Fault::not_found(format!(
                    "no member of this workspace has the username {username:?}"
                ))
            })?;
            *id
        };
        people.push(person);
    }
    Ok(people)
}

/// The members of a workspace: their ids and usernames.
pub(crate) async fn members(
    client: &Client,
    workspace_id: WorkspaceId,
) -> Result<Vec<(UserId, String)>, Fault> {
    let params = ListMembers {
        workspace_id,
        limit: None,
        cursor: None,
    };
    let mut members = Vec::new();
    let read = paging::read(client, params, paging::ALL, |page| {
        let users = page.items.into_iter().map(|member| member.user);
        members.extend(users.map(|user| (user.id, user.username.to_lowercase())));
    });
    read.await?;
    Ok(members)
}

/// Somebody who shares a workspace with the user: `me`, a username or an id.
pub(crate) async fn person(client: &Client, name: &str) -> Result<UserId, Fault> {
    if name == "me" {
        return Ok(client.ready().await?.user.id);
    }
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let username = name.trim_start_matches('@').to_lowercase();
    for workspace in workspaces(client).await? {
        let members = members(client, workspace.id).await?;
        if let Some((id, _)) = members.iter().find(|(_, name)| *name == username) {
            return Ok(*id);
        }
    }
    Err(Fault::not_found(format!(
        "nobody in your workspaces has the username {username:?}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_id_is_hexadecimal_and_not_too_short() {
        assert_eq!(id_part("89AB-cdef").as_deref(), Some("89abcdef"));
        assert_eq!(id_part("abc"), None);
        assert_eq!(id_part("milk"), None);
    }

    #[test]
    fn an_id_matches_by_its_beginning_or_its_end() {
        let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_89ab_cdef);
        assert!(matches(id, "abcdef") && matches(id, "01990000"));
        assert!(!matches(id, "89ab"));
    }
}
