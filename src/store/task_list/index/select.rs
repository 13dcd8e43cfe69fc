//! What a list shows, and how many tasks it has: from the sets and orders of an index alone. All filters but the due date
//! together are one set; `page` finds the tasks of a page in it.

use super::facets::Facet;
use super::held::{By, COMPLETED, DELETED, NO_DATE, STATES, Tasks};
use crate::store::task_list::order::{Key, PageEnd, order};
use crate::store::tasks::priority_code;
use crate::unicode::name_key;
use roaring::RoaringBitmap;
use taskwire_protocol::task::{ListTasks, Status};
use uuid::Uuid;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The tasks of the page, in order.
    pub ids: Vec<Uuid>,
    /// How many tasks the list has.
    pub total: u64,
}

/// A list of an index.
pub(super) struct List<'i> {
    pub(super) tasks: &'i Tasks,
    pub(super) key: Key,
    pub(super) descending: bool,
    pub(super) after: Option<&'i PageEnd>,
    pub(super) limit: usize,
    pub(super) states: Vec<usize>,
    /// The first and last date, both included.
    pub(super) due: Option<(i64, i64)>,
    pub(super) priority: Option<i64>,
    pub(super) set: RoaringBitmap,
    /// Nothing but states and dates filter.
    pub(super) by_state_alone: bool,
}

/// The page of a list that `wanted` asks for. Searches and lists of subtasks are not for an index.
pub(super) fn select(tasks: &Tasks, wanted: &ListTasks, after: Option<&PageEnd>, limit: usize) -> Found {
    let (key, descending) = order(wanted);
    let states: Vec<usize> = (0..STATES).filter(|state| shows(wanted, *state)).collect();
    let facets = facets(wanted);
    let by_state_alone = facets.is_empty()
        && wanted.ready != Some(true)
        && wanted.date_from.is_none()
        && wanted.date_to.is_none();
    let bounds = (wanted.due_after, wanted.due_before);
    let due = (bounds != (None, None)).then(|| {
        let after = bounds.0.map_or(NO_DATE, |after| after.0);
        let before = bounds.1.map_or(i64::MAX, |before| before.0.saturating_sub(1));
        (after.saturating_add(1), before)
    });
    let mut list = List {
        tasks,
        key,
        descending,
        after,
        limit,
        due,
        priority: wanted.priority.map(priority_code),
        set: set(tasks, &facets, &states),
        states,
        by_state_alone,
    };
    if wanted.ready == Some(true) {
        list.set -= &tasks.waiting;
    }
    if wanted.date_from.is_some() || wanted.date_to.is_some() {
        let (from, to) = (wanted.date_from.map(|at| at.0), wanted.date_to.map(|at| at.0));
        list.keep_created(from.unwrap_or(i64::MIN), to.unwrap_or(i64::MAX));
    }
    let total = list.count();
    let page = list.page(total);
    let ids = page.into_iter().map(|task| tasks.columns.ids[task as usize]);
    Found {
        ids: ids.collect(),
        total,
    }
}

/// Whether a list shows tasks of a state.
fn shows(wanted: &ListTasks, state: usize) -> bool {
    let (completed, deleted) = (state & COMPLETED > 0, state & DELETED > 0);
    let is_shown = match wanted.status {
        Some(Status::Deleted) => deleted,
        Some(Status::Pending) => !completed,
        Some(Status::Completed) => completed,
        Some(Status::All) | None => true,
    };
    let deleted_too = wanted.include_deleted.unwrap_or(false)
        || matches!(wanted.status, Some(Status::All | Status::Deleted));
    is_shown && (deleted_too || !deleted) && (wanted.ready != Some(true) || state == 0)
}

/// The values that a list's tasks must have.
fn facets(wanted: &ListTasks) -> Vec<Facet> {
    let values = [
        wanted
            .priority
            .map(|priority| Facet::Priority(priority_code(priority))),
        wanted.stage.as_deref().map(|stage| Facet::Stage(stage.into())),
        wanted.project_id.map(|project| Facet::Project(project.0)),
        wanted.tag.as_ref().map(|tag| Facet::Tag(name_key(tag.trim()))),
        wanted.assignee_id.map(|user| Facet::Assignee(user.0)),
    ];
    values.into_iter().flatten().collect()
}

/// The tasks in one of these states with all of these values.
fn set(tasks: &Tasks, facets: &[Facet], states: &[usize]) -> RoaringBitmap {
    let mut sets = Vec::with_capacity(facets.len());
    for facet in facets {
        match tasks.facets.with(facet) {
            Some(set) => sets.push(set),
            None => return RoaringBitmap::new(),
        }
    }
    sets.sort_by_key(|set| set.len());
    let mut sets = sets.into_iter();
    let Some(first) = sets.next() else {
        return states
            .iter()
            .map(|state| &tasks.states[*state])
            .fold(RoaringBitmap::new(), |all, set| all | set);
    };
    let mut found = first.clone();
    sets.for_each(|set| found &= set);
    for state in (0..STATES).filter(|state| !states.contains(state)) {
        found -= &tasks.states[state];
    }
    found
}

impl List<'_> {
    /// Leaves only tasks that were created between two moments, both included.
    fn keep_created(&mut self, from: i64, to: i64) {
        let created = &self.tasks.columns.created;
        let late: Vec<u32> = (&self.set & &self.tasks.strays)
            .into_iter()
            .filter(|task| (from..=to).contains(&created[*task as usize]))
            .collect();
        let begin = self.number_at(|task| created[task as usize] < from);
        let end = self.number_at(|task| created[task as usize] <= to);
        self.set -= &self.tasks.strays;
        self.set.remove_range(..begin);
        self.set.remove_range(end..);
        self.set.extend(late);
    }

    /// The first number of a task, strays aside, that does not come before what is looked for.
    pub(super) fn number_at(&self, is_before: impl Fn(u32) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.tasks.numbers());
        while low < high {
            let middle = low + (high - low) / 2;
            let mut probe = middle;
            while probe > low && self.tasks.strays.contains(probe) {
                probe -= 1;
            }
            if self.tasks.strays.contains(probe) || is_before(probe) {
                low = middle + 1;
            } else {
                high = probe;
            }
        }
        low
    }

    pub(super) fn is_due(&self, task: u32) -> bool {
        let due = self.tasks.columns.due[task as usize];
        self.due.is_none_or(|(from, to)| due >= from && due <= to)
    }

    /// How many tasks with a date there are in the range, before other filters.
    fn dated(&self) -> u64 {
        let Some((from, to)) = self.due else { return 0 };
        if from > to {
            return 0;
        }
        let due = &self.tasks.columns.due;
        let of_state = |state: &usize| {
            let order = self.tasks.order(*state, By::Due);
            let end = order.place(|task| due[task as usize] <= to);
            let begin = order.place(|task| due[task as usize] < from);
            (order.rank(end) - order.rank(begin)) as u64
        };
        self.states.iter().map(of_state).sum()
    }

    fn count(&self) -> u64 {
        if self.due.is_none() {
            return self.set.len();
        }
        if self.by_state_alone {
            return self.dated();
        }
        let mut count = 0;
        self.each(|_| count += 1);
        count
    }

    /// Calls for each task that matches, in no order.
    pub(super) fn each(&self, mut found: impl FnMut(u32)) {
        // a task of the set costs a look at its date, one of the range is looked for in the set
        let Some((from, to)) = self.due.filter(|_| self.dated() < self.set.len() / 8) else {
            self.set.iter().filter(|task| self.is_due(*task)).for_each(found);
            return;
        };
        let due = &self.tasks.columns.due;
        for state in &self.states {
            let order = self.tasks.order(*state, By::Due);
            let begin = order.place(|task| due[task as usize] < from);
            let within = order
                .walk(begin, false)
                .take_while(|task| due[*task as usize] <= to);
            within
                .filter(|task| self.set.contains(*task))
                .for_each(&mut found);
        }
    }
}
