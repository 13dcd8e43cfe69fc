//! Rules on a task's place: its project, its parent, its position in the manual order, its assignees.

use crate::domain::position;
use crate::ops::world::{Crowd, World};
use crate::ops::{Act, Needs, Result, conflict, not_found, too_many};
use crate::store::tasks::MOST;
use std::collections::BTreeSet;
use std::sync::Arc;
use taskwire_protocol::task::Task;
use taskwire_protocol::{Failure, Patch, ProjectId, TaskId, UserId, WorkspaceId};

/// The levels of subtasks below a task.
const LEVELS: usize = 2;

/// To check a new parent, a mutation needs the parent, its ancestors, and how many levels of subtasks the task has.
pub(super) fn needs_parent(id: TaskId, parent: &Patch<TaskId>, needs: &mut Needs) {
    if let Patch::Set(parent) = parent {
        needs.tasks.insert(*parent);
        needs.ancestors.insert(*parent);
        needs.subtasks.insert(*parent);
        needs.tasks.insert(id);
        needs.levels.insert(id);
    }
}

/// Checks that a project is one of the same workspace.
pub(super) fn known_project(world: &World, workspace: WorkspaceId, project: Option<ProjectId>) -> Result<()> {
    let Some(id) = project else { return Ok(()) };
    let known = world
        .projects
        .get(id)
        .filter(|project| project.workspace_id == workspace);
    known
        .map(|_| ())
        .ok_or_else(|| not_found("project").at("project_id"))
}

/// To check a new project, a mutation needs it. The subtasks below the task go along.
pub(super) fn needs_project(id: TaskId, project: &Patch<ProjectId>, needs: &mut Needs) {
    if let Patch::Set(project) = project {
        needs.projects.insert(*project);
    }
    if !project.is_keep() {
        needs.below.insert(id);
    }
}

/// Checks that a parent is a task of the same workspace and not deleted.
pub(super) fn known_parent(world: &World, workspace: WorkspaceId, parent: Option<TaskId>) -> Result<()> {
    let Some(id) = parent else { return Ok(()) };
    match world.tasks.get(id).filter(|task| task.workspace_id == workspace) {
        None => Err(not_found("task").at("parent_id")),
        Some(task) if task.is_deleted => {
            Err(conflict("the parent task is deleted; restore it first").at("parent_id"))
        }
        Some(_) => Ok(()),
    }
}

/// A task below a parent, and so many levels below that task, must not nest too deep. What is above the parent is in memory:
/// each mutation of the group that sets a parent needs its ancestors.
pub(super) fn fits_below(world: &World, parent: Option<TaskId>, levels_below: usize) -> Result<()> {
    if above(world, parent).count() + levels_below > LEVELS {
        let message = "subtasks nest two levels below a task; choose a parent that is higher up";
        return Err(conflict(message).at("parent_id"));
    }
    Ok(())
}

/// Whether a parent may have one more subtask.
pub(super) fn has_room_below(act: &Act<'_>, world: &World, parent: Option<TaskId>) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    let room = act.bounds.one_more_subtask(world.subtasks(parent));
    room.map_err(|failure| failure.at("parent_id"))
}

/// A parent and what is above it, as far as it matters.
pub(super) fn above(world: &World, parent: Option<TaskId>) -> impl Iterator<Item = TaskId> {
    let parent_of = |id: &TaskId| world.tasks.get(*id).and_then(|task| task.parent_id);
    std::iter::successors(parent, parent_of).take(LEVELS + 1)
}

/// Refuses what would take too many tasks along, before anything changes.
pub(super) fn all_below_known(world: &World) -> Result<()> {
    if world.has_all(Crowd::Below) {
        return Ok(());
    }
    let message = format!(
        "more than {MOST} tasks are below, with deleted ones; move or purge some of them first, and in a batch name \
         fewer tasks"
    );
    Err(too_many(&message, MOST))
}

/// The subtasks of a task, then those of these. Memory has them if the mutation needs what is `below` the task.
pub(super) fn levels(world: &World, id: TaskId) -> impl Iterator<Item = Vec<&Task>> {
    let below = move |parents: &BTreeSet<TaskId>| -> Vec<&Task> {
        let is_below = |task: &&Task| task.parent_id.is_some_and(|parent| parents.contains(&parent));
        let tasks = world.tasks.iter().map(|(_, task)| task);
        tasks.filter(is_below).collect()
    };
    let first = below(&BTreeSet::from([id]));
    let next = move |level: &Vec<&Task>| {
        let parents: BTreeSet<TaskId> = level.iter().map(|task| task.id).collect();
        (!parents.is_empty()).then(|| below(&parents))
    };
    std::iter::successors(Some(first), next).take(LEVELS)
}

/// How many levels of subtasks a task has, as far as it matters. It goes twice over memory, which may have many tasks.
fn levels_below(world: &World, id: TaskId) -> usize {
    let (one, two) = world.levels_elsewhere(id);
    if two {
        return 2;
    }
    let in_memory = || world.tasks.iter().map(|(_, task)| task);
    let subtasks = in_memory().filter(|task| task.parent_id == Some(id));
    let subtasks: BTreeSet<TaskId> = subtasks.map(|task| task.id).collect();
    if subtasks.is_empty() {
        return usize::from(one);
    }
    let is_below = |task: &Task| task.parent_id.is_some_and(|parent| subtasks.contains(&parent));
    let has_more = subtasks.iter().any(|subtask| world.levels_elsewhere(*subtask).0);
    if has_more || in_memory().any(is_below) {
        2
    } else {
        1
    }
}

/// Checks a new project and a new parent, if given. A task cannot be below itself, and subtasks nest two levels.
pub(super) fn known_place(
    act: &Act<'_>,
    world: &World,
    task: &Task,
    project: &Patch<ProjectId>,
    parent: &Patch<TaskId>,
) -> Result<()> {
    if let Patch::Set(project) = project {
        known_project(world, task.workspace_id, Some(*project))?;
    }
    if leaves_project(task, project) {
        all_below_known(world)?;
    }
    let Patch::Set(parent) = parent else { return Ok(()) };
    if task.parent_id == Some(*parent) {
        return Ok(());
    }
    known_parent(world, task.workspace_id, Some(*parent))?;
    if above(world, Some(*parent)).any(|id| id == task.id) {
        return Err(below_itself());
    }
    fits_below(world, Some(*parent), levels_below(world, task.id))?;
    has_room_below(act, world, Some(*parent))
}

/// What of a new project and a new parent the rows that are named decide already. Drops the needs of what stays.
pub(super) fn narrow_place(
    world: &World,
    task: &Task,
    (project, parent): (&Patch<ProjectId>, &Patch<TaskId>),
    needs: &mut Needs,
) -> Result<()> {
    if let Patch::Set(project) = project {
        known_project(world, task.workspace_id, Some(*project))?;
    }
    if !leaves_project(task, project) {
        needs.below.clear();
    }
    let new_parent = match parent {
        Patch::Set(parent) if task.parent_id != Some(*parent) => *parent,
        _ => {
            needs.ancestors.clear();
            needs.subtasks.clear();
            needs.levels.clear();
            return Ok(());
        }
    };
    narrow_parent(world, task.workspace_id, Some(new_parent))?;
    if new_parent == task.id {
        return Err(below_itself());
    }
    Ok(())
}

/// The same for a task that a mutation of the group makes in this workspace.
pub(super) fn narrow_new_place(
    world: &World,
    workspace: WorkspaceId,
    (project, parent): (&Patch<ProjectId>, &Patch<TaskId>),
) -> Result<()> {
    if let Patch::Set(project) = project {
        known_project(world, workspace, Some(*project))?;
    }
    match parent {
        Patch::Set(parent) => narrow_parent(world, workspace, Some(*parent)),
        Patch::Keep | Patch::Clear => Ok(()),
    }
}

/// Checks a parent before lookups ran: another mutation of the group may make it.
pub(super) fn narrow_parent(world: &World, workspace: WorkspaceId, parent: Option<TaskId>) -> Result<()> {
    known_parent(
        world,
        workspace,
        parent.filter(|parent| !world.is_expected(*parent, workspace)),
    )
}

/// The same of the task beside which another one is placed.
pub(super) fn narrow_anchor(
    world: &World,
    workspace: WorkspaceId,
    beside: TaskId,
    field: &'static str,
) -> Result<()> {
    if world.is_expected(beside, workspace) {
        return Ok(());
    }
    known_anchor(world, workspace, beside, field).map(|_| ())
}

/// Whether a task goes to another project, or into or out of one.
fn leaves_project(task: &Task, project: &Patch<ProjectId>) -> bool {
    let project = project.clone().change();
    project.is_some_and(|project| project != task.project_id)
}

fn below_itself() -> Failure {
    conflict("a task cannot be below itself").at("parent_id")
}

/// Checks that new assignees are members of the workspace. `given` is the list that the client sent in `field`.
pub(super) fn known_people(
    world: &World,
    workspace: WorkspaceId,
    given: &[UserId],
    before: &[UserId],
    field: &str,
) -> Result<()> {
    let unknown = |user: &UserId| !before.contains(user) && world.role(workspace, *user).is_none();
    match given.iter().position(unknown) {
        None => Ok(()),
        Some(i) => Err(Failure::invalid(
            format!("{field}[{i}]"),
            "an assignee must be a member of the workspace",
        )),
    }
}

/// A place for a task that moves, and new places for others if there was too little room.
pub(super) struct Placed {
    pub(super) position: Arc<str>,
    pub(super) others: Vec<(TaskId, Arc<str>)>,
}

/// New places are worth their writes if they are shorter by this: then many moves come before the next ones.
const SHORTER: usize = 4;

/// The task beside which another one is placed.
fn known_anchor<'w>(
    world: &'w World,
    workspace: WorkspaceId,
    beside: TaskId,
    field: &'static str,
) -> Result<&'w Task> {
    let anchor = world
        .tasks
        .get(beside)
        .filter(|anchor| anchor.workspace_id == workspace);
    anchor.ok_or_else(|| not_found("task").at(field))
}

/// The position right before or right after another task. Tasks at the same position count as one.
pub(super) fn place_beside(
    act: &Act<'_>,
    world: &mut World,
    task: &Task,
    beside: TaskId,
    field: &'static str,
) -> Result<Placed> {
    let here = known_anchor(world, task.workspace_id, beside, field)?
        .position
        .clone();
    // memory has the nearest places of the database, and the tasks that the group has moved there
    let order = world.order(task.workspace_id, task.id);
    let at = order.partition_point(|(place, _)| match field {
        "before" => *place < here,
        _ => *place <= here,
    });
    let below = at.checked_sub(1).map(|below| &*order[below].0);
    let above = order.get(at).map(|(above, _)| &**above);
    let position = position::beside(below, above, act.new_id());
    let room = world.room_around(beside);
    if position.len() > position::LONG && room > 0 {
        let placed = spread(act, &order, at, room);
        let others = placed.others.iter().map(|(_, place)| place.len());
        let longest = others.chain([placed.position.len()]).max().unwrap_or_default();
        if longest + SHORTER <= position.len() {
            let are_missed = |id: &TaskId| world.tasks.get(*id).is_none();
            let missed: Vec<TaskId> = placed
                .others
                .iter()
                .map(|(id, _)| *id)
                .filter(are_missed)
                .collect();
            if missed.is_empty() {
                return Ok(placed);
            }
            // the group runs again with them
            world.miss(missed);
        }
    }
    let (position, others) = (position.into(), Vec::new());
    Ok(Placed { position, others })
}

/// New places for a task that comes before the one at `at`, and for tasks around it.
fn spread(act: &Act<'_>, order: &[(Arc<str>, Option<TaskId>)], at: usize, room: usize) -> Placed {
    let places: Vec<&str> = order.iter().map(|(place, _)| &**place).collect();
    let end = position::at_end(act.new_id());
    let (from, made) = position::rebalanced(&places, at, room, &end);
    let mut made = made.into_iter().map(Arc::from);
    let ids = order[from..].iter().map(|(_, task)| *task);
    let mut others: Vec<(Option<TaskId>, Arc<str>)> = ids.clone().take(at - from).zip(&mut made).collect();
    let position = made.next().unwrap_or_default();
    others.extend(ids.skip(at - from).zip(made));
    let others = others
        .into_iter()
        .filter_map(|(task, place)| Some((task?, place)));
    Placed {
        position,
        others: others.collect(),
    }
}
