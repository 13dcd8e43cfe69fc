//! Whether a caller may carry out an operation, by their role in the workspace. Does not know what the operation does.

use crate::ops::world::World;
use crate::ops::{Caller, Decide, Place, Target, not_found};
use crate::store::users::Account;
use crate::store::{Store, attachments, comments, members, projects, tags};
use taskwire_protocol::account::GlobalRole;
use taskwire_protocol::member::Role;
use taskwire_protocol::{Access, ErrorCode, Failure, TaskId, WorkspaceId};

/// Authorizes a query or a command by what the database says now. Returns the workspace of the target and the caller's
/// role there.
pub(super) async fn authorize(
    store: &Store,
    caller: &Caller,
    access: Access,
    target: Target,
) -> Result<Option<(WorkspaceId, Role)>, Failure> {
    if access == Access::ServerAdmin && caller.role != GlobalRole::Admin {
        return Err(not_an_administrator());
    }
    let place = match target {
        Target::Own | Target::User(_) | Target::Outside(_) => return Ok(None),
        Target::Workspace(id) => {
            let role = members::find_role(&mut store.read().await?, caller.user.id, id).await?;
            role.map(|role| (id, role))
        }
        Target::Task(id) => members::find_role_at_task(&mut store.read().await?, caller.user.id, id).await?,
        Target::Comment(id) => comments::find_role(&mut store.read().await?, caller.user.id, id).await?,
        Target::Attachment(id) => {
            attachments::find_role(&mut store.read().await?, caller.user.id, id).await?
        }
        Target::Project(id) => projects::find_role(&mut store.read().await?, caller.user.id, id).await?,
        Target::Tag(id) => tags::find_role(&mut store.read().await?, caller.user.id, id).await?,
    };
    allowed(caller, access, target, place).map(Some)
}

/// Authorizes a mutation by the members in memory. They are exact: the group holds the lock of the stream, or its write
/// verifies that the stream has not changed. `expected`: the workspace of a task that is not there yet.
pub(super) fn authorize_loaded(
    decide: &dyn Decide,
    caller: &Caller,
    world: &World,
    expected: impl Fn(TaskId) -> Option<WorkspaceId>,
) -> Result<Place, Failure> {
    if decide.access() == Access::ServerAdmin && !administers(caller, world) {
        return Err(not_an_administrator());
    }
    let target = decide.target(caller);
    let workspace = match target {
        Target::Own | Target::User(_) | Target::Outside(_) => return Ok(None),
        Target::Workspace(id) => Some(id),
        Target::Task(id) => {
            let task = world.tasks.get(id).map(|task| task.workspace_id);
            task.or_else(|| expected(id))
        }
        Target::Comment(id) => world.comments.get(id).map(|record| record.workspace),
        Target::Attachment(id) => world.attachments.get(id).map(|record| record.workspace),
        Target::Project(id) => world.projects.get(id).map(|project| project.workspace_id),
        Target::Tag(id) => world.tags.get(id).map(|tag| tag.workspace_id),
    };
    let place = workspace.and_then(|id| Some((id, world.role(id, caller.user.id)?)));
    allowed(caller, decide.access(), target, place).map(Some)
}

/// Whether the caller's account administers the server, as it is in this transaction. So does the operator on the command
/// line.
fn administers(caller: &Caller, world: &World) -> bool {
    let account = world.accounts.get(caller.user.id);
    let is_one = |account: &Account| account.user.is_active && account.user.role == GlobalRole::Admin;
    !caller.actor.is_user() || account.is_some_and(is_one)
}

/// The refusal of a caller without the global role `admin`.
pub(super) fn not_an_administrator() -> Failure {
    Failure::new(
        ErrorCode::Forbidden,
        "this operation requires the global role admin",
    )
}

/// Refuses a caller who is not a member as if the target did not exist, and a member whose role is too low. Outside the
/// workspaces that their API token is limited to, nobody is a member.
pub(super) fn allowed(
    caller: &Caller,
    access: Access,
    target: Target,
    place: Option<(WorkspaceId, Role)>,
) -> Result<(WorkspaceId, Role), Failure> {
    let what = match target {
        Target::Task(_) => "task",
        Target::Comment(_) => "comment",
        Target::Attachment(_) => "attachment",
        Target::Project(_) => "project",
        Target::Tag(_) => "tag",
        Target::Own | Target::User(_) | Target::Workspace(_) | Target::Outside(_) => "workspace",
    };
    let place = place.filter(|(workspace, _)| caller.reaches(*workspace));
    let (workspace, role) = place.ok_or_else(|| not_found(what))?;
    match access.role() {
        Some(least) if role < least => {
            let message =
                format!("this operation requires the role {least:?} in the workspace; your role is {role:?}")
                    .to_lowercase();
            Err(Failure::new(ErrorCode::Forbidden, message))
        }
        _ => Ok((workspace, role)),
    }
}
