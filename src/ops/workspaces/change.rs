//! What changes a workspace: its name and stages, its owner, and a member who leaves.

use super::super::caller::targets_a_workspace;
use super::super::joining::{role_of_caller, workspace};
use super::super::members::{self, give_role, leave};
use super::super::world::World;
use super::super::{Act, Caller, Change, DONE, Mutation, Needs, Place, Result, conflict, invites, stages};
use crate::domain::{members as rules, stage, text};
use taskwire_protocol::account::Done;
use taskwire_protocol::member::Role;
use taskwire_protocol::workspace::{
    AccessLostReason, LeaveWorkspace, TransferWorkspace, UpdateWorkspace, Workspace, WorkspaceKind,
};
use taskwire_protocol::{Failure, UserId, events, limits};

targets_a_workspace!(UpdateWorkspace, LeaveWorkspace, TransferWorkspace);

impl Mutation for UpdateWorkspace {
    fn check(mut self) -> Result<Self> {
        let name = self.name.as_deref();
        self.name = name
            .map(|name| text::name("name", name, 1, limits::WORKSPACE_NAME))
            .transpose()?;
        self.stages = self.stages.map(stage::defined).transpose()?;
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.workspaces.insert(self.workspace_id);
        if let Some(defined) = &self.stages {
            needs.restaged.insert((self.workspace_id, defined.clone()));
            // other mutations of the group might move tasks into a stage that goes away
            needs.alone = true;
        }
    }

    fn cascades(&self) -> bool {
        self.stages.is_some()
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Workspace>> {
        let before = workspace(act, world)?;
        let mut after = before.clone();
        if let Some(name) = &self.name {
            after.name = name.as_str().into();
        }
        if let Some(defined) = &self.stages {
            after.stages = stage::of(defined);
        }
        let role = Some(role_of_caller(act));
        if after == before {
            return Ok(Change::nothing(Workspace { role, ..after }));
        }
        let tasks = stages::concerned(world, after.id, (&before.stages, &after.stages))?;
        after.version += 1;
        after.updated_at = act.now;
        let logged = world.emit::<events::WorkspaceUpdated>(act, after.id, &after)?;
        world.workspaces.put(after.clone());
        if after.stages != before.stages {
            stages::replace(act, world, after.id, (&before.stages, &after.stages), tasks)?;
        }
        Ok(Change::logged(logged, Workspace { role, ..after }))
    }
}

impl Mutation for LeaveWorkspace {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        members::need_to_leave(self.workspace_id, caller.user.id, needs);
    }

    fn cascades(&self) -> bool {
        true
    }

    fn narrow(&self, place: Place, world: &World, _: &mut Needs) -> Result<()> {
        match (world.workspaces.get(self.workspace_id), place) {
            (Some(workspace), Some((_, role))) => may_leave(role, workspace, world),
            _ => Ok(()),
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let workspace = workspace(act, world)?;
        may_leave(role_of_caller(act), &workspace, world)?;
        let logged = leave(
            act,
            world,
            workspace.id,
            act.caller.user.id,
            AccessLostReason::Left,
        )?;
        Ok(Change::logged(logged, DONE))
    }
}

/// Whether a member with this role may leave.
fn may_leave(role: Role, workspace: &Workspace, world: &World) -> Result<()> {
    if workspace.kind == WorkspaceKind::Personal {
        return Err(conflict("your personal workspace cannot be left"));
    }
    if role == Role::Owner && owners(world, workspace) < 2 {
        return Err(conflict(
            "you are the last owner: first make another member an owner (workspace.transfer), or delete the \
             workspace (workspace.delete)",
        ));
    }
    Ok(())
}

impl Mutation for TransferWorkspace {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.workspaces.insert(self.workspace_id);
        invites::need(self.workspace_id, needs);
        needs.accounts.insert(self.user_id);
        needs.taking.insert(self.user_id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Workspace>> {
        let workspace = workspace(act, world)?;
        if workspace.kind == WorkspaceKind::Personal {
            return Err(conflict("your personal workspace cannot be handed over"));
        }
        let taker = members::member(world, &workspace, self.user_id)?;
        let giver = members::member(world, &workspace, act.caller.user.id)?;
        rules::change(
            workspace.kind,
            giver.role,
            Some(taker.role),
            Some(Role::Owner),
            usize::MAX,
        )?;
        if taker.user.id == giver.user.id {
            let message = "you own the workspace already; choose another member";
            return Err(Failure::invalid("user_id", message));
        }
        if taker.role != Role::Owner {
            may_own_one_more(act, world, self.user_id)?;
            give_role(act, world, workspace.id, taker, Role::Owner)?;
        }
        let logged = give_role(act, world, workspace.id, giver, Role::Admin)?;
        let role = Some(Role::Admin);
        Ok(Change::logged(logged, Workspace { role, ..workspace }))
    }
}

/// Whether the plan of a member allows one more workspace of their own. They are in it already.
fn may_own_one_more(act: &Act<'_>, world: &World, user: UserId) -> Result<()> {
    match world.accounts.get(user) {
        Some(account) => act.bounds.owns(world.belongings(user), account.user.plan),
        None => Ok(()),
    }
}

fn owners(world: &World, workspace: &Workspace) -> usize {
    world
        .members(workspace.id)
        .map_or(0, |members| members.count(Role::Owner))
}
