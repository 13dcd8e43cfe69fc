//! The steps that add to tasks what blocks them and comes later in the file. Others may have changed these tasks, or those
//! that block them, since the import made them. So what the file says is checked against the workspace as it is now: what
//! would close a circle is left out and listed.

use super::super::world::World;
use super::names::Names;
use super::rows::Source;
use super::{Act, Import, LOST_OF_A_STEP, Progress, Result};
use crate::domain::import::lost::{Lost, shown};
use crate::domain::import::plan::{Plan, PlannedTask};
use crate::store::tasks::MOST_BEFORE;
use std::collections::{BTreeMap, BTreeSet};
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp, events, limits};

/// How many tasks one step completes: together they may wait for as many tasks as one transaction looks at.
pub const BLOCKED_AT_ONCE: usize = MOST_BEFORE / (limits::BLOCKED_AFTER + 1);

/// A task that something blocks which comes later in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place.
    pub task: usize,
    /// Blockers from this place on did not exist when the task was made.
    pub from: usize,
}

impl Waiting {
    /// The places of these blockers.
    pub fn later(self, plan: &Plan) -> impl Iterator<Item = usize> {
        let blockers = plan.tasks[self.task].blocked_by.iter().copied();
        blockers.filter(move |blocker| *blocker >= self.from)
    }
}

impl Import {
    /// Adds what blocks these tasks and comes later in the file. Their times stay.
    pub(super) fn block(
        &self,
        act: &Act<'_>,
        world: &mut World,
        waiting: &[Waiting],
        begun: Timestamp,
    ) -> Result<Progress> {
        let (names, mut lost) = (Names::default(), Lost::default());
        for task in waiting {
            // each sees what those before it got
            let source = self.source(act, world, &names, begun);
            if let Some(task) = source.blocked(*task, &mut lost)? {
                world.emit::<events::TaskUpdated>(act, self.workspace, &task)?;
                world.put_task(task);
            }
        }
        lost.shorten(LOST_OF_A_STEP);
        Ok(Progress {
            lost,
            ..Progress::default()
        })
    }
}

impl Source<'_> {
    /// A task with its later blockers; `None` if it gets none.
    fn blocked(&self, waiting: Waiting, lost: &mut Lost) -> Result<Option<Task>> {
        let planned = &self.plan.tasks[waiting.task];
        let (id, is_there) = self.id(waiting.task)?;
        // one that somebody deleted meanwhile stays as it is
        let is_meant = |task: &&Task| is_there && (!task.is_deleted || planned.deleted_at.is_some());
        let Some(before) = self.world.tasks.get(id).filter(is_meant) else {
            return Ok(None);
        };
        let mut later: Vec<(TaskId, usize)> = Vec::new();
        for place in waiting.later(self.plan) {
            match self.id(place)? {
                (blocker, true) if before.blocked_by.contains(&blocker) => {}
                (blocker, true) => later.push((blocker, place)),
                (_, false) => left_out(lost, planned, &self.plan.tasks[place], "it was deleted meanwhile"),
            }
        }
        let new: Vec<TaskId> = later.iter().map(|(blocker, _)| *blocker).collect();
        let closing = closing(self.world, id, &before.blocked_by, &new);
        let mut blocked_by = before.blocked_by.clone();
        for (blocker, place) in later {
            let why = match &closing {
                None => "too many tasks would come before it",
                Some(closing) if closing.contains(&blocker) => {
                    "these tasks would block each other in a circle"
                }
                Some(_) if blocked_by.len() >= limits::BLOCKERS => "too many tasks block it already",
                Some(_) => {
                    blocked_by.push(blocker);
                    continue;
                }
            };
            left_out(lost, planned, &self.plan.tasks[place], why);
        }
        let is_new = blocked_by.len() > before.blocked_by.len();
        Ok(is_new.then(|| Task {
            blocked_by,
            version: before.version + 1,
            ..before.clone()
        }))
    }
}

fn left_out(lost: &mut Lost, task: &PlannedTask, blocker: &PlannedTask, why: &str) {
    let what = format!("“{}” blocks “{}”", shown(&blocker.title), shown(&task.title));
    lost.add(task.line, what, format!("{why}; this is left out"));
}

/// Those of the new blockers of a task that wait for the task themselves. `None`: more tasks would come before it than may,
/// or than are in memory.
fn closing(world: &World, task: TaskId, now: &[TaskId], new: &[TaskId]) -> Option<BTreeSet<TaskId>> {
    let mut seen: BTreeSet<TaskId> = now.iter().chain(new).copied().collect();
    let mut next: Vec<TaskId> = seen.iter().copied().collect();
    let mut blocks: BTreeMap<TaskId, Vec<TaskId>> = BTreeMap::new();
    while let Some(id) = next.pop() {
        if id == task {
            continue;
        }
        if seen.len() > limits::BLOCKED_AFTER {
            return None;
        }
        for &above in world.blockers_of(id)? {
            blocks.entry(above).or_default().push(id);
            if seen.insert(above) {
                next.push(above);
            }
        }
    }
    let mut waiting = BTreeSet::from([task]);
    let mut next = vec![task];
    while let Some(id) = next.pop() {
        let blocked = blocks.get(&id).into_iter().flatten().copied();
        next.extend(blocked.filter(|id| waiting.insert(*id)));
    }
    Some(new.iter().copied().filter(|id| waiting.contains(id)).collect())
}
