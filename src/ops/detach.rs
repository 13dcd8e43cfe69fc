//! Takes tasks, some at a time, from what goes and has more of them than one transaction may change: a project before it is
//! deleted, a person after they left a workspace. Does not know which tasks are left, nor who sends the steps.

use super::world::World;
use super::{Act, Caller, Decide, Needs, Result, Target, cascade, json, not_found};
use std::sync::Arc;
use taskwire_protocol::project::DeleteProject;
use taskwire_protocol::task::Task;
use taskwire_protocol::{Access, Operation as _, ProjectId, TaskId, UserId, WorkspaceId, events};

/// What tasks are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// A project that somebody deletes.
    Project(ProjectId),
    /// A person who is no member of the workspace any more.
    Person(WorkspaceId, UserId),
}

impl Going {
    /// Whether a task is in the project, or the person is assigned to it.
    fn has(self, task: &Task) -> bool {
        match self {
            Going::Project(project) => task.project_id == Some(project),
            Going::Person(workspace, user) => {
                task.workspace_id == workspace && task.assignee_ids.contains(&user)
            }
        }
    }

    fn let_go(self, task: &mut Task) {
        match self {
            Going::Project(_) => task.project_id = None,
            Going::Person(_, user) => task.assignee_ids.retain(|id| *id != user),
        }
    }
}

/// Takes these tasks from what goes, each with an event: `limits::CASCADE` of them at most. Answers `false` if there is nothing
/// more to take: the person is a member again, and keeps the tasks that they still have, or the workspace is about to be erased.
pub struct Detach {
    /// What goes.
    pub from: Going,
    /// Tasks that were there when somebody looked.
    pub tasks: Vec<TaskId>,
}

impl Detach {
    /// The workspace; `None` if nothing is to be taken from the person any more.
    fn workspace(&self, world: &World) -> Result<Option<WorkspaceId>> {
        match self.from {
            Going::Project(project) => {
                let project = world.projects.get(project).ok_or_else(|| not_found("project"))?;
                Ok(Some(project.workspace_id))
            }
            Going::Person(workspace, user) => {
                let members = world.members(workspace);
                let goes = members.is_some_and(|members| !members.is_empty() && members.get(user).is_none());
                Ok(goes.then_some(workspace))
            }
        }
    }
}

impl Decide for Detach {
    fn name(&self) -> &'static str {
        "task.detach"
    }

    fn access(&self) -> Access {
        match self.from {
            Going::Project(_) => DeleteProject::ACCESS,
            Going::Person(..) => Access::User,
        }
    }

    fn target(&self, _: &Caller) -> Target {
        match self.from {
            Going::Project(project) => Target::Project(project),
            Going::Person(workspace, _) => Target::Outside(workspace),
        }
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.tasks.extend(self.tasks.iter().copied());
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let workspace = self.workspace(world)?;
        if let Some(workspace) = workspace {
            let tasks = self.tasks.iter().filter_map(|id| world.tasks.get(*id));
            let tasks = tasks.filter(|task| self.from.has(task)).cloned().collect();
            cascade::each::<events::TaskUpdated>(act, world, workspace, tasks, |task| {
                self.from.let_go(task);
            })?;
        }
        Ok(json(&workspace.is_some())?.into())
    }

    /// It has no `op_id`, so nothing compares this.
    fn canonical(&self) -> String {
        String::new()
    }
}
