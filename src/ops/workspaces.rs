//! Workspaces: creating and reading them; `change` has what changes them, `delete` their end. `members` has who belongs to
//! them, `snapshots` their whole state.

mod change;
mod delete;

pub use delete::TellOfDeletion;

use super::caller::{targets_a_workspace, targets_the_caller};
use super::cursor::{List, Wanted};
use super::world::World;
use super::{Act, Ask, Caller, Change, Mutation, Needs, Query, Result, not_found};
use crate::domain::text;
use crate::store::workspaces;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::events;
use taskwire_protocol::member::{Member, Role};
use taskwire_protocol::stage::Stages;
use taskwire_protocol::workspace::{
    AccessGranted, CreateWorkspace, GetWorkspace, ListWorkspaces, Workspace, WorkspaceKind,
};
use taskwire_protocol::{Page, WorkspaceId, limits};
use uuid::Uuid;

targets_the_caller!(CreateWorkspace, ListWorkspaces);
targets_a_workspace!(GetWorkspace);

impl Mutation for CreateWorkspace {
    fn check(mut self) -> Result<Self> {
        self.name = text::name("name", &self.name, 1, limits::WORKSPACE_NAME)?;
        Ok(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.belongings.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Workspace>> {
        let id = WorkspaceId(act.new_id());
        // the profile as it is now: the caller's may be from before a change in this group
        let account = world.accounts.get(act.caller.user.id);
        let owner = &account.ok_or_else(|| not_found("account"))?.user;
        act.bounds
            .one_more_workspace(world.belongings(owner.id), owner.plan)?;
        let owner = owner.public();
        let made = make(act, world, id, &self.name, WorkspaceKind::Team, owner)?;
        let granted = AccessGranted {
            workspace: made.clone(),
            role: Role::Owner,
            seq: world.counters(id.into()).seq as u64,
        };
        let logged = world.emit::<events::AccessGranted>(act, act.caller.user.id, &granted)?;
        Ok(Change::logged(logged, made))
    }
}

/// Makes a workspace with its owner, and logs the first entries of its stream.
pub(super) fn make(
    act: &Act<'_>,
    world: &mut World,
    id: WorkspaceId,
    name: &str,
    kind: WorkspaceKind,
    owner: PublicUser,
) -> Result<Workspace> {
    let (created_at, updated_at) = (act.now, act.now);
    let workspace = Workspace {
        id,
        name: name.into(),
        kind,
        role: None,
        stages: Stages::default(),
        version: 1,
        created_at,
        updated_at,
    };
    let owner = Member {
        user: owner,
        role: Role::Owner,
        joined_at: act.now,
        version: 1,
    };
    world.emit::<events::WorkspaceCreated>(act, id, &workspace)?;
    world.emit::<events::MemberAdded>(act, id, &owner.clone().into())?;
    world.workspaces.put(workspace.clone());
    world.put_member(id, owner);
    Ok(Workspace {
        role: Some(Role::Owner),
        ..workspace
    })
}

impl Query for ListWorkspaces {
    async fn answer(self, ask: Ask) -> Result<Page<Workspace>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let mut reader = ask.read().await?;
        let (user, only) = (ask.caller.user.id, ask.caller.only());
        let items = workspaces::list_of(&mut reader, user, only, wanted.after, wanted.to_read()).await?;
        let count = workspaces::count(&mut reader, user, only);
        wanted.page(items, |workspace| workspace.id.0, count).await
    }
}

impl Query for GetWorkspace {
    async fn answer(self, ask: Ask) -> Result<Workspace> {
        let found = workspaces::find(&mut ask.read().await?, ask.caller.user.id, self.workspace_id).await;
        found?.ok_or_else(|| not_found("workspace"))
    }
}
