//! What a group knows of tasks without having their rows: what blocks them, where they are in the manual order, and that
//! there are too many of them. A row in memory says more: the group may have changed it.

use super::World;
use foldhash::HashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use taskwire_protocol::{TaskId, WorkspaceId};
use uuid::Uuid;

/// Tasks that a group needs and does not have in memory, because they are too many together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Crowd {
    /// Those below others.
    Below,
    /// Those that others block.
    Blocked,
    /// Those that block others, directly or through others.
    Before,
    /// Those that carry a tag.
    Tagged,
    /// Those in some stages.
    InStages,
    /// Those of a project.
    OfProject,
    /// Those that a person is assigned to.
    Assigned,
}

/// A place that is taken, by this task if it is known.
type Taken = (Arc<str>, Option<TaskId>);

/// What is known beside the rows.
#[derive(Clone, Default)]
pub(super) struct Near {
    blockers: BTreeMap<TaskId, Vec<TaskId>>,
    /// Tasks that have subtasks, and whose subtasks have some, of which no mutation of the group names any.
    levels: [BTreeSet<TaskId>; 2],
    places: BTreeMap<WorkspaceId, Vec<Taken>>,
    rooms: HashMap<TaskId, usize>,
    crowds: BTreeSet<Crowd>,
    /// Tasks that a mutation of the group makes, before or after the one that asks, and where.
    expected: BTreeSet<(TaskId, WorkspaceId)>,
    /// Tasks that a mutation would have changed.
    missed: BTreeSet<TaskId>,
}

impl World {
    /// These tasks are too many together.
    pub fn lacks(&mut self, crowd: Crowd) {
        self.near.crowds.insert(crowd);
    }

    /// Whether memory has these tasks, as far as mutations need them.
    pub fn has_all(&self, crowd: Crowd) -> bool {
        !self.near.crowds.contains(&crowd)
    }

    /// Sets what blocks tasks.
    pub fn loaded_blockers(&mut self, blockers: BTreeMap<TaskId, Vec<TaskId>>) {
        self.near.blockers.extend(blockers);
    }

    /// What blocks a task; `None` if it is unknown.
    pub(in crate::ops) fn blockers_of(&self, task: TaskId) -> Option<&[TaskId]> {
        match self.tasks.get(task) {
            Some(task) => Some(&task.blocked_by),
            None => self.near.blockers.get(&task).map(Vec::as_slice),
        }
    }

    /// Sets which tasks have subtasks, and which have subtasks of subtasks, that no mutation of the group names.
    pub fn loaded_levels(&mut self, levels: [Vec<TaskId>; 2]) {
        for (known, found) in self.near.levels.iter_mut().zip(levels) {
            known.extend(found);
        }
    }

    /// Whether a task has subtasks, and subtasks of subtasks, besides those that mutations of the group name. Those are in
    /// memory, and their parents.
    pub(in crate::ops) fn levels_elsewhere(&self, task: TaskId) -> (bool, bool) {
        let [one, two] = &self.near.levels;
        (one.contains(&task), two.contains(&task))
    }

    /// A place in a workspace's manual order is taken, by this task if it is known.
    pub fn loaded_place(&mut self, workspace: WorkspaceId, place: Arc<str>, task: Option<TaskId>) {
        self.near.places.entry(workspace).or_default().push((place, task));
    }

    /// The places of a workspace that are taken, but for one task's, in order.
    pub(in crate::ops) fn order(
        &self,
        workspace: WorkspaceId,
        but: TaskId,
    ) -> Vec<(Arc<str>, Option<TaskId>)> {
        let tasks = self.tasks.iter().map(|(_, task)| task);
        let tasks = tasks.filter(|task| task.workspace_id == workspace && task.id != but);
        let in_memory = tasks.map(|task| (task.position.clone(), Some(task.id)));
        let is_elsewhere =
            |id: TaskId| id != but && self.tasks.get(id).is_none() && !self.purged.contains(&id);
        let near = self.near.places.get(&workspace).into_iter().flatten();
        let near = near.filter(|(_, task)| task.is_none_or(is_elsewhere));
        let mut order: Vec<Taken> = in_memory.chain(near.cloned()).collect();
        order.sort_unstable();
        order.dedup();
        order
    }

    /// Memory has so many places, and one more, on each side of this task, or all that there are.
    pub fn loaded_room(&mut self, task: TaskId, number: usize) {
        self.near.rooms.insert(task, number);
    }

    /// To how many tasks on each side of this one a move may give new places.
    pub(in crate::ops) fn room_around(&self, task: TaskId) -> usize {
        self.near.rooms.get(&task).copied().unwrap_or(0)
    }

    /// A mutation would have changed these tasks, whose rows memory does not have.
    pub(in crate::ops) fn miss(&mut self, tasks: impl IntoIterator<Item = TaskId>) {
        self.near.missed.extend(tasks);
    }

    /// The tasks that a mutation would have changed.
    pub fn take_missed(&mut self) -> BTreeSet<TaskId> {
        std::mem::take(&mut self.near.missed)
    }

    /// Mutations of the group make these tasks.
    pub fn expect(&mut self, made: impl IntoIterator<Item = (TaskId, WorkspaceId)>) {
        self.near.expected.extend(made);
    }

    /// The workspaces in which mutations of the group make this task, which is not there yet.
    pub fn expected(&self, task: TaskId) -> impl Iterator<Item = WorkspaceId> {
        let [first, last] = [Uuid::nil(), Uuid::max()].map(|end| (task, WorkspaceId(end)));
        let made = self.near.expected.range(first..=last);
        let made = made.filter(move |_| self.tasks.get(task).is_none());
        made.map(|(_, workspace)| *workspace)
    }

    /// Whether a mutation of the group makes this task, which is not there yet, in this workspace.
    pub(in crate::ops) fn is_expected(&self, task: TaskId, workspace: WorkspaceId) -> bool {
        self.near.expected.contains(&(task, workspace)) && self.tasks.get(task).is_none()
    }
}
