//! Which task is below which, which blocks which, and their order.

use super::Settling;
use crate::domain::import::lost::shown;
use crate::domain::import::plan::PlannedTask;
use std::collections::BTreeSet;
use taskwire_protocol::limits;

/// The levels of subtasks below a task.
const LEVELS: usize = 2;
/// How many blockers are looked at to count exactly what comes before tasks. After that, an upper bound decides.
const LOOKED_AT: usize = 5_000_000;

impl Settling {
    /// Opens circles of parents, and attaches what is too deep higher up.
    pub(super) fn parents(&mut self, tasks: &mut [PlannedTask]) {
        let number = tasks.len();
        for task in tasks.iter_mut() {
            task.parent = task.parent.filter(|parent| *parent < number);
        }
        // levels of the tasks that are settled
        let mut levels: Vec<Option<usize>> = vec![None; number];
        for place in 0..number {
            let (mut path, mut at) = (Vec::new(), Some(place));
            while let Some(here) = at.filter(|here| levels[*here].is_none()) {
                // a level of the path itself: a circle ends here
                levels[here] = Some(usize::MAX);
                path.push(here);
                at = tasks[here].parent;
            }
            if at.is_some_and(|end| levels[end] == Some(usize::MAX)) {
                let last = path.last().copied().unwrap_or(place);
                let what = format!("the parent of “{}”", shown(&tasks[last].title));
                let why = "these tasks are below each other in a circle";
                self.broken(tasks[last].line, ("parent", what), why, "this one has no parent");
                tasks[last].parent = None;
            }
            for here in path.into_iter().rev() {
                self.level(tasks, &mut levels, here);
            }
        }
    }

    /// The level of a task whose parent has one.
    fn level(&mut self, tasks: &mut [PlannedTask], levels: &mut [Option<usize>], here: usize) {
        let above = tasks[here].parent.and_then(|parent| levels[parent]);
        let mut level = above.map_or(0, |above| above + 1);
        if level > LEVELS {
            let what = format!("the place of “{}”", shown(&tasks[here].title));
            let why = "subtasks nest two levels below a task";
            self.broken(
                tasks[here].line,
                ("parent", what),
                why,
                "it is attached higher up",
            );
            // its parent is at the lowest level, whose parent has room below it
            tasks[here].parent = tasks[here].parent.and_then(|parent| tasks[parent].parent);
            level = LEVELS;
        }
        levels[here] = Some(level);
    }

    /// Opens circles of blockers, and takes away what is too much.
    pub(super) fn blockers(&mut self, tasks: &mut [PlannedTask]) {
        let number = tasks.len();
        for (place, task) in tasks.iter_mut().enumerate() {
            let mut seen = BTreeSet::new();
            task.blocked_by
                .retain(|blocker| *blocker < number && *blocker != place && seen.insert(*blocker));
            if task.blocked_by.len() > limits::BLOCKERS {
                let what = format!("what blocks “{}”", shown(&task.title));
                let why = format!("a task can be blocked by at most {} tasks", limits::BLOCKERS);
                self.broken(task.line, ("blocked_by", what), &why, "the rest is left out");
                task.blocked_by.truncate(limits::BLOCKERS);
            }
        }
        let after = self.open_circles(tasks);
        self.few_before(tasks, &after);
    }

    /// Returns the tasks in an order in which blockers come first.
    fn open_circles(&mut self, tasks: &mut [PlannedTask]) -> Vec<usize> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; tasks.len()];
        let mut order = Vec::with_capacity(tasks.len());
        for start in 0..tasks.len() {
            if states[start] != State::New {
                continue;
            }
            states[start] = State::Open;
            let mut path = vec![(start, 0)];
            while let Some((here, next)) = path.last_mut() {
                let here = *here;
                let Some(blocker) = tasks[here].blocked_by.get(*next).copied() else {
                    states[here] = State::Done;
                    order.push(here);
                    path.pop();
                    continue;
                };
                if states[blocker] == State::Open {
                    let what = format!(
                        "“{}” blocks “{}”",
                        shown(&tasks[blocker].title),
                        shown(&tasks[here].title)
                    );
                    let why = "these tasks block each other in a circle";
                    self.broken(tasks[here].line, ("blocked_by", what), why, "this is left out");
                    tasks[here].blocked_by.remove(*next);
                    continue;
                }
                *next += 1;
                if states[blocker] == State::New {
                    states[blocker] = State::Open;
                    path.push((blocker, 0));
                }
            }
        }
        order
    }

    /// Later changes must be able to look at all that comes before a task.
    fn few_before(&mut self, tasks: &mut [PlannedTask], order: &[usize]) {
        // at least as many as come before each task: a task on two ways counts twice
        let mut most: Vec<usize> = vec![0; tasks.len()];
        let mut left = LOOKED_AT;
        for &here in order {
            let blockers = tasks[here].blocked_by.iter();
            most[here] = blockers.fold(0_usize, |sum, blocker| sum.saturating_add(most[*blocker] + 1));
            if most[here] <= limits::BLOCKED_AFTER {
                continue;
            }
            if let Some(exact) =
                before(tasks, here, &mut left).filter(|exact| *exact <= limits::BLOCKED_AFTER)
            {
                most[here] = exact;
                continue;
            }
            let what = format!("what blocks “{}”", shown(&tasks[here].title));
            let why = format!("more than {} tasks would come before it", limits::BLOCKED_AFTER);
            self.broken(tasks[here].line, ("blocked_by", what), &why, "nothing blocks it");
            tasks[here].blocked_by.clear();
            most[here] = 0;
        }
    }
}

/// How many tasks come before one, or one more than there may be. `None`: too much was looked at already.
fn before(tasks: &[PlannedTask], task: usize, left: &mut usize) -> Option<usize> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut next: Vec<usize> = tasks[task].blocked_by.clone();
    while let Some(here) = next.pop() {
        *left = left.checked_sub(1)?;
        if seen.insert(here) {
            next.extend(&tasks[here].blocked_by);
        }
        if seen.len() > limits::BLOCKED_AFTER {
            break;
        }
    }
    Some(seen.len())
}

/// The tasks in their order, but each parent before what is below it. There are no circles.
pub(super) fn parents_first(mut tasks: Vec<PlannedTask>) -> Vec<PlannedTask> {
    let mut places: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut order = Vec::with_capacity(tasks.len());
    for place in 0..tasks.len() {
        let upwards = std::iter::successors(Some(place), |here| tasks[*here].parent);
        let path: Vec<usize> = upwards.take_while(|here| places[*here].is_none()).collect();
        for here in path.into_iter().rev() {
            places[here] = Some(order.len());
            order.push(here);
        }
    }
    let moved = |old: usize| places.get(old).copied().flatten();
    for task in &mut tasks {
        task.parent = task.parent.and_then(moved);
        task.blocked_by = task.blocked_by.iter().filter_map(|old| moved(*old)).collect();
    }
    order
        .into_iter()
        .map(|place| std::mem::take(&mut tasks[place]))
        .collect()
}
