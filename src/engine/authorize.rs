//! Whether a caller may do something, by their role where it happens. Does not know what is done.

use crate::ops::{Caller, Target, not_found};
use crate::store::{Store, members};
use taskwire_protocol::account::GlobalRole;
use taskwire_protocol::member::Role;
use taskwire_protocol::{Access, ErrorCode, Failure, WorkspaceId};

/// Checks a query, by what the database says now; gives back the workspace of its target.
pub(super) async fn authorize(
    store: &Store,
    caller: &Caller,
    access: Access,
    target: Target,
) -> Result<Option<(WorkspaceId, Role)>, Failure> {
    if access == Access::ServerAdmin && caller.role != GlobalRole::Admin {
        return Err(Failure::new(
            ErrorCode::Forbidden,
            "this takes an account with the global role admin",
        ));
    }
    let place = match target {
        Target::Own => return Ok(None),
        Target::Workspace(id) => {
            let role = members::find_role(&mut store.read().await?, caller.user.id, id).await?;
            role.map(|role| (id, role))
        }
        Target::Task(id) => members::find_role_at_task(&mut store.read().await?, caller.user.id, id).await?,
    };
    allowed(access, target, place).map(Some)
}

/// To somebody who is not a member the target does not exist; a member with too low a role may not do it.
pub(super) fn allowed(
    access: Access,
    target: Target,
    place: Option<(WorkspaceId, Role)>,
) -> Result<(WorkspaceId, Role), Failure> {
    let what = match target {
        Target::Task(_) => "task",
        Target::Own | Target::Workspace(_) => "workspace",
    };
    let (workspace, role) = place.ok_or_else(|| not_found(what))?;
    match access.role() {
        Some(least) if role < least => {
            let message =
                format!("this takes the role {least:?} in the workspace; yours is {role:?}").to_lowercase();
            Err(Failure::new(ErrorCode::Forbidden, message))
        }
        _ => Ok((workspace, role)),
    }
}
