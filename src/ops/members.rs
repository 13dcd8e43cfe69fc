//! Members of workspaces.

use super::caller::targets_a_workspace;
use super::cursor::{List, Wanted};
use super::joining::{join, role_of_caller, workspace};
use super::notices::{Notice, tell};
use super::world::{Crowd, Logged, World};
use super::{
    Act, Ask, Caller, Change, DONE, Login, Mutation, Needs, Place, Query, Result, cascade, conflict, invites,
    not_found,
};
use crate::domain::members as rules;
use crate::store::jobs::{NewJob, Unassign};
use crate::store::members;
use std::time::Duration;
use taskwire_protocol::account::Done;
use taskwire_protocol::events;
use taskwire_protocol::member::{
    AddMember, ListMembers, Member, MemberRemoved, RemoveMember, Role, UpdateMember,
};
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::task::Task;
use taskwire_protocol::workspace::{AccessChanged, AccessLost, AccessLostReason, Workspace};
use taskwire_protocol::{Failure, Page, UserId, WorkspaceId};
use uuid::Uuid;

targets_a_workspace!(ListMembers, AddMember, UpdateMember, RemoveMember);

impl Mutation for AddMember {
    fn check(self) -> Result<Self> {
        login(&self)?;
        Ok(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        if let Ok(login) = login(self) {
            needs.acquainted.insert((caller.user.id, login.clone()));
            needs.joining.insert(login.clone());
            needs.logins.insert(login);
        }
        needs.owners.insert(self.workspace_id);
        needs.workspaces.insert(self.workspace_id);
        invites::need(self.workspace_id, needs);
    }

    fn reaches(&self, caller: &Caller, world: &World) -> Option<String> {
        let login = login(self).ok()?;
        let user = world.logins.get(&login).map(|user| user.id);
        if user.is_some_and(|user| world.are_acquainted(caller.user.id, user)) {
            return None;
        }
        // by the login as given: that two logins are of one person must not show
        Some(match login {
            Login::Email(email) => email,
            Login::Username(username) => username,
        })
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Member>> {
        let workspace = workspace(act, world)?;
        rules::change(
            workspace.kind,
            role_of_caller(act),
            None,
            Some(self.role),
            usize::MAX,
        )?;
        let field = if self.email.is_some() { "email" } else { "username" };
        let user = world
            .logins
            .get(&login(self)?)
            .cloned()
            .ok_or_else(|| not_found("account").at(field))?;
        if world.role(workspace.id, user.id).is_some() {
            return Err(
                conflict("this user is already a member; change the role with member.update").at(field),
            );
        }
        let (logged, member) = join(act, world, &workspace, user.clone(), self.role, None)?;
        invites::end_shown_to(act, world, workspace.id, user.id)?;
        let message = format!("{} added you to “{}”", act.caller.user.name, workspace.name);
        let (r#type, task) = (NotificationType::MemberAdded, None);
        tell(
            act,
            world,
            user.id,
            Notice {
                r#type,
                message,
                task,
                workspace: Some(workspace.id),
            },
        )?;
        Ok(Change::logged(logged, member))
    }
}

impl Mutation for UpdateMember {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.workspaces.insert(self.workspace_id);
        invites::need(self.workspace_id, needs);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Member>> {
        let workspace = workspace(act, world)?;
        let before = member(world, &workspace, self.user_id)?;
        let owners = world
            .members(workspace.id)
            .map_or(0, |members| members.count(Role::Owner));
        if before.role == self.role {
            return Ok(Change::nothing(before));
        }
        rules::change(
            workspace.kind,
            role_of_caller(act),
            Some(before.role),
            Some(self.role),
            owners,
        )?;
        let logged = give_role(act, world, workspace.id, before, self.role)?;
        Ok(Change::as_logged(logged))
    }
}

/// Gives a member another role.
pub(super) fn give_role(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    before: Member,
    role: Role,
) -> Result<Logged<Member>> {
    let user = before.user.id;
    let member = Member {
        role,
        version: before.version + 1,
        ..before
    };
    let changed = AccessChanged {
        workspace_id: workspace,
        role,
    };
    let logged = world.emit::<events::MemberUpdated>(act, workspace, &member)?;
    world.emit::<events::AccessChanged>(act, user, &changed)?;
    world.put_member(workspace, member);
    invites::end_made_by(act, world, workspace, user, Some(role))?;
    Ok(logged)
}

/// What must be in memory before a member leaves or is removed.
pub(super) fn need_to_leave(workspace: WorkspaceId, user: UserId, needs: &mut Needs) {
    needs.workspaces.insert(workspace);
    invites::need(workspace, needs);
    needs.assigned.insert((workspace, user));
}

impl Mutation for RemoveMember {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        need_to_leave(self.workspace_id, self.user_id, needs);
    }

    fn cascades(&self) -> bool {
        true
    }

    fn narrow(&self, place: Place, world: &World, _: &mut Needs) -> Result<()> {
        match (world.workspaces.get(self.workspace_id), place) {
            (Some(workspace), Some((_, role))) => removable(self, role, workspace, world),
            _ => Ok(()),
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let workspace = workspace(act, world)?;
        removable(self, role_of_caller(act), &workspace, world)?;
        let logged = leave(act, world, workspace.id, self.user_id, AccessLostReason::Removed)?;
        Ok(Change::logged(logged, DONE))
    }
}

/// Whether a member with this role may remove the member.
fn removable(asked: &RemoveMember, by: Role, workspace: &Workspace, world: &World) -> Result<()> {
    let before = member(world, workspace, asked.user_id)?;
    let owners = world
        .members(workspace.id)
        .map_or(0, |members| members.count(Role::Owner));
    rules::change(workspace.kind, by, Some(before.role), None, owners)
}

/// A member leaves a workspace, and the assignees of the tasks that are loaded. Of very many, a job does the latter.
pub(super) fn leave(
    act: &Act<'_>,
    world: &mut World,
    workspace: WorkspaceId,
    user: UserId,
    reason: AccessLostReason,
) -> Result<Logged<AccessLost>> {
    // log the removal first: the removed user must not see the task events that follow it
    world.emit::<events::MemberRemoved>(act, workspace, &MemberRemoved { user_id: user })?;
    world.remove_member(workspace, user);
    invites::end_made_by(act, world, workspace, user, None)?;
    let theirs = |task: &&Task| task.workspace_id == workspace && task.assignee_ids.contains(&user);
    let mut tasks: Vec<Task> = world
        .tasks
        .iter()
        .map(|(_, task)| task)
        .filter(theirs)
        .cloned()
        .collect();
    tasks.sort_unstable_by_key(|task| task.id);
    cascade::each::<events::TaskUpdated>(act, world, workspace, tasks, |task| {
        task.assignee_ids.retain(|id| *id != user);
    })?;
    let stays = world
        .members(workspace)
        .is_some_and(|members| !members.is_empty());
    if stays && !world.has_all(Crowd::Assigned) {
        let actor = act.caller.actor.actor().clone();
        let job = Unassign {
            workspace,
            user,
            actor,
        };
        world.enqueue(NewJob::new(act.new_id().to_string(), &job, Duration::ZERO)?);
    }
    let lost = AccessLost {
        workspace_id: workspace,
        reason,
    };
    world.emit::<events::AccessLost>(act, user, &lost)
}

fn login(params: &AddMember) -> Result<Login> {
    match (&params.username, &params.email) {
        (Some(username), None) => Ok(Login::username(username.trim())),
        (None, Some(email)) => Ok(Login::email(email.trim())),
        _ => Err(Failure::invalid(
            "username",
            "give exactly one of username and email",
        )),
    }
}

/// A member, whom the request names in `user_id`.
pub(super) fn member(world: &World, workspace: &Workspace, user: UserId) -> Result<Member> {
    let member = world.members(workspace.id).and_then(|members| members.get(user));
    member.cloned().ok_or_else(|| not_found("member").at("user_id"))
}

impl Query for ListMembers {
    async fn answer(self, ask: Ask) -> Result<Page<Member>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let mut reader = ask.read().await?;
        let items = members::list(&mut reader, self.workspace_id, wanted.after, wanted.to_read()).await?;
        let count = members::count(&mut reader, self.workspace_id);
        wanted.page(items, |member| member.user.id.0, count).await
    }
}
