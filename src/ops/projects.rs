//! Projects: groups of tasks in a workspace, in an order of their own.

use super::caller::{targets_a_project, targets_a_workspace};
use super::cursor::{List, Wanted};
use super::world::{Crowd, World};
use super::{Act, Ask, Caller, Change, Mutation, Needs, Query, Result, Target, cascade, not_found, too_many};
use crate::domain::{position, text};
use crate::store::projects;
use crate::store::tasks::MOST;
use taskwire_protocol::events;
use taskwire_protocol::project::{
    ArchiveProject, CreateProject, DeleteProject, ListProjects, Project, ProjectDeleted, UpdateProject,
};
use taskwire_protocol::task::Task;
use taskwire_protocol::{Failure, Page, Patch, ProjectId, WorkspaceId, limits};
use uuid::Uuid;

targets_a_workspace!(CreateProject, ListProjects);
targets_a_project!(UpdateProject, ArchiveProject, DeleteProject);

impl Mutation for CreateProject {
    fn check(mut self) -> Result<Self> {
        self.name = text::name("name", &self.name, 1, limits::PROJECT_NAME)?;
        self.color = self
            .color
            .map(|color| text::color("color", color.trim()))
            .transpose()?;
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.projects_beside.insert(Target::Workspace(self.workspace_id));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Project>> {
        let workspace = act.workspace()?;
        let order = in_order(world, workspace, None);
        act.bounds.one_more_project(order.len())?;
        let id = act.new_id();
        let last = order.last().map_or("", |last| &*last.position);
        let project = Project {
            id: ProjectId(id),
            workspace_id: workspace,
            name: self.name.clone(),
            color: self.color.clone(),
            position: position::behind(last, id),
            is_archived: false,
            version: 1,
            created_at: act.now,
            updated_at: act.now,
        };
        let logged = world.emit::<events::ProjectCreated>(act, workspace, &project)?;
        world.projects.put(project);
        Ok(Change::as_logged(logged))
    }
}

impl Mutation for UpdateProject {
    fn check(mut self) -> Result<Self> {
        let name = self
            .name
            .map(|name| text::name("name", &name, 1, limits::PROJECT_NAME));
        self.name = name.transpose()?;
        if let Patch::Set(color) = &self.color {
            self.color = Patch::Set(text::color("color", color.trim())?);
        }
        if self.before.is_some() && self.after.is_some() {
            return Err(Failure::invalid("before", "give before or after, not both"));
        }
        if self.before.or(self.after) == Some(self.id) {
            let message = "a project cannot be placed before or after itself";
            return Err(Failure::invalid(side(&self), message));
        }
        Ok(self)
    }

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        if self.before.or(self.after).is_some() {
            needs.projects_beside.insert(Target::Project(self.id));
        }
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Project>> {
        let before = there(world, self.id)?;
        let mut project = before.clone();
        if let Some(name) = &self.name {
            project.name.clone_from(name);
        }
        project.color = self.color.clone().change().unwrap_or(project.color);
        if let Some(beside) = self.before.or(self.after) {
            project.position = place_beside(act, world, self, &before, beside)?;
        }
        changed(act, world, before, project)
    }
}

fn side(asked: &UpdateProject) -> &'static str {
    if asked.before.is_some() { "before" } else { "after" }
}

/// The position right before or right after another project. Where there is too little room, others get new positions too.
fn place_beside(
    act: &Act<'_>,
    world: &mut World,
    asked: &UpdateProject,
    project: &Project,
    beside: ProjectId,
) -> Result<String> {
    let order = in_order(world, project.workspace_id, Some(project.id));
    let anchor = order.iter().position(|other| other.id == beside);
    let anchor = anchor.ok_or_else(|| not_found("project").at(side(asked)))?;
    let at = if asked.before.is_some() {
        anchor
    } else {
        anchor + 1
    };
    let places: Vec<&str> = order.iter().map(|other| &*other.position).collect();
    let below = at.checked_sub(1).map(|below| places[below]);
    let place = position::beside(below, places.get(at).copied(), act.new_id());
    if place.len() <= position::LONG {
        return Ok(place);
    }
    let end = position::at_end(act.new_id());
    // memory has all projects, so there is room for each of them
    let (from, mut made) = position::rebalanced(&places, at, position::ALL, &end);
    let own = made.remove(at - from);
    for (other, place) in order[from..].iter().zip(made) {
        let moved = Project {
            position: place,
            ..other.clone()
        };
        changed(act, world, other.clone(), moved)?;
    }
    Ok(own)
}

impl Mutation for ArchiveProject {
    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Project>> {
        let before = there(world, self.id)?;
        let project = Project {
            is_archived: self.archived.unwrap_or(true),
            ..before.clone()
        };
        changed(act, world, before, project)
    }
}

impl Mutation for DeleteProject {
    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.tasks_of_project.insert(self.id);
    }

    fn cascades(&self) -> bool {
        true
    }

    fn empties(&self) -> Option<ProjectId> {
        Some(self.id)
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<ProjectDeleted>> {
        let project = there(world, self.id)?;
        if !world.has_all(Crowd::OfProject) {
            let message =
                format!("more than {MOST} tasks are in this project; delete it by a request of its own");
            return Err(too_many(&message, MOST));
        }
        let tasks = world.tasks.iter().map(|(_, task)| task);
        let tasks = tasks.filter(|task| task.project_id == Some(self.id));
        let mut tasks: Vec<Task> = tasks.cloned().collect();
        tasks.sort_unstable_by_key(|task| task.id);
        cascade::each::<events::TaskUpdated>(act, world, project.workspace_id, tasks, |task| {
            task.project_id = None;
        })?;
        let gone = ProjectDeleted {
            id: project.id,
            version: project.version + 1,
        };
        world.projects.remove(project.id);
        let logged = world.emit::<events::ProjectDeleted>(act, project.workspace_id, &gone)?;
        Ok(Change::logged(logged, gone))
    }
}

impl Query for ListProjects {
    async fn answer(self, ask: Ask) -> Result<Page<Project>> {
        let list = List::of(&self, &ask.caller);
        let wanted: Wanted<(String, Uuid)> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let (workspace, mut reader) = (self.workspace_id, ask.read().await?);
        let items = projects::list(&mut reader, workspace, wanted.after.as_ref(), wanted.to_read()).await?;
        let count = projects::count(&mut reader, workspace);
        let at = |project: &Project| (project.position.clone(), project.id.0);
        wanted.page(items, at, count).await
    }
}

fn there(world: &World, id: ProjectId) -> Result<Project> {
    world
        .projects
        .get(id)
        .cloned()
        .ok_or_else(|| not_found("project"))
}

/// The projects of a workspace in their order, but for one.
fn in_order(world: &World, workspace: WorkspaceId, but: Option<ProjectId>) -> Vec<Project> {
    let all = world.projects.iter().map(|(_, project)| project);
    let of_workspace = all.filter(|project| project.workspace_id == workspace && Some(project.id) != but);
    let mut projects: Vec<Project> = of_workspace.cloned().collect();
    projects.sort_unstable_by(|a, b| (&a.position, a.id).cmp(&(&b.position, b.id)));
    projects
}

/// Writes a changed project, unless it is equal to the project before.
fn changed(act: &Act<'_>, world: &mut World, before: Project, project: Project) -> Result<Change<Project>> {
    if project == before {
        return Ok(Change::nothing(before));
    }
    let project = Project {
        version: before.version + 1,
        updated_at: act.now,
        ..project
    };
    let logged = world.emit::<events::ProjectUpdated>(act, project.workspace_id, &project)?;
    world.projects.put(project);
    Ok(Change::as_logged(logged))
}
