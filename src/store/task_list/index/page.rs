//! The page of a list: along an order of the index, or picked from the tasks that match, whatever looks at fewer tasks. A walk
//! past many tasks that do not match gives up, and they are gathered.

use super::held::{By, NO_DATE, STATES};
use super::order::Walk;
use super::select::List;
use crate::store::task_list::order::{Key, PageEnd};
use crate::unicode::compare_to_title_key;
use std::cmp::Ordering;

/// The tasks that a walk may look at for each that matches, and how many it may look at in any case.
const PATIENCE: u64 = 2;
const LEAST: u64 = 2_000;
/// The tasks of one state that a walk passes by at once.
const PASSED: usize = 64;

/// A walk looked at as many tasks as it may.
struct Spent;

impl List<'_> {
    pub(super) fn page(&self, total: u64) -> Vec<u32> {
        if total == 0 {
            return Vec::new();
        }
        let limit = self.limit as u64;
        let all = match self.key {
            Key::Created => self.set.len(),
            _ => self
                .states
                .iter()
                .map(|state| self.tasks.states[*state].len())
                .sum(),
        };
        // gathering looks at `total` tasks for a long time, walking at about `limit * all / total` for a short one
        let walks = total.saturating_mul(total) > limit.saturating_mul(all) / 8;
        let budget = total.saturating_mul(PATIENCE) + LEAST;
        let walked = if walks { self.walk(budget) } else { None };
        walked.unwrap_or_else(|| self.gather())
    }

    /// Finds the tasks of the page among all that match.
    fn gather(&self) -> Vec<u32> {
        let mut found = Vec::new();
        self.each(|task| {
            if self.is_beyond(task) {
                found.push(task);
            }
        });
        let compare = |one: &u32, other: &u32| self.compare(*one, *other);
        if found.len() > self.limit {
            found.select_nth_unstable_by(self.limit - 1, compare);
            found.truncate(self.limit);
        }
        found.sort_unstable_by(compare);
        found
    }

    /// Walks along the order. `None` if it would look at more tasks than `budget`.
    fn walk(&self, mut budget: u64) -> Option<Vec<u32>> {
        let mut page = Vec::with_capacity(self.limit);
        match self.key {
            Key::Created | Key::Match => self.walk_created(&mut page, &mut budget),
            Key::Updated => self.walk_orders(By::Updated, &mut page, &mut budget),
            Key::Priority => self.walk_orders(By::Priority, &mut page, &mut budget),
            Key::Title => self.walk_orders(By::Title, &mut page, &mut budget),
            Key::Position => self.walk_orders(By::Position, &mut page, &mut budget),
            Key::Due => {
                let is_in_time = self.walk_orders(By::Due, &mut page, &mut budget);
                match is_in_time {
                    Some(()) if self.due.is_none() => self.walk_orders(By::Undated, &mut page, &mut budget),
                    outcome => outcome,
                }
            }
        }?;
        Some(page)
    }

    fn walk_created(&self, page: &mut Vec<u32>, budget: &mut u64) -> Option<()> {
        let mut late: Vec<u32> = (&self.set & &self.tasks.strays)
            .into_iter()
            .filter(|task| self.is_beyond(*task))
            .collect();
        late.sort_unstable_by(|one, other| self.compare(*one, *other));
        let mut late = late.into_iter().peekable();
        let begin = self.number_at(|task| match self.beside_end(task) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => !self.descending,
            Some(Ordering::Greater) => false,
            None => self.descending,
        });
        let mut up = self.set.range(begin..);
        let mut down = self.set.range(..begin);
        let mut next = || {
            if self.descending {
                down.next_back()
            } else {
                up.next()
            }
        };
        while page.len() < self.limit {
            let Some(task) = next() else { break };
            *budget = budget.checked_sub(1)?;
            if self.tasks.strays.contains(task) {
                continue;
            }
            while let Some(first) = late.next_if(|late| self.compare(*late, task).is_lt()) {
                self.take(first, page);
            }
            self.take(task, page);
        }
        late.for_each(|task| self.take(task, page));
        Some(())
    }

    /// Adds a task to the page if it matches, and the page is not full.
    fn take(&self, task: u32, page: &mut Vec<u32>) {
        if page.len() < self.limit && self.is_due(task) {
            page.push(task);
        }
    }

    /// Merges the orders of the states. What does not match is passed by without being compared, a few tasks at a time: the
    /// other states are not to wait for the last one that matches of a state.
    fn walk_orders(&self, by: By, page: &mut Vec<u32>, budget: &mut u64) -> Option<()> {
        let mut walks: Vec<(Walk<'_>, u32)> = Vec::with_capacity(STATES);
        for state in &self.states {
            let mut walk = self.walk_of(*state, by);
            if let Some(first) = self.pass(by, &mut walk, budget).ok()? {
                walks.push((walk, first));
            }
        }
        while page.len() < self.limit && !walks.is_empty() {
            let mut first = 0;
            for (at, (_, task)) in walks.iter().enumerate().skip(1) {
                if self.compare(*task, walks[first].1).is_lt() {
                    first = at;
                }
            }
            let (walk, task) = &mut walks[first];
            if self.matches(*task) {
                page.push(*task);
            }
            match self.pass(by, walk, budget).ok()? {
                Some(next) => *task = next,
                None => drop(walks.swap_remove(first)),
            }
        }
        Some(())
    }

    /// Goes on to the next task that matches, or to the last of a few that do not; `None` at the end.
    fn pass(&self, by: By, walk: &mut Walk<'_>, budget: &mut u64) -> Result<Option<u32>, Spent> {
        let mut last = None;
        for task in walk.take(PASSED) {
            *budget = budget.checked_sub(1).ok_or(Spent)?;
            if self.is_past(by, task) {
                return Ok(None);
            }
            last = Some(task);
            if self.matches(task) {
                break;
            }
        }
        Ok(last)
    }

    fn matches(&self, task: u32) -> bool {
        self.set.contains(task) && self.is_due(task)
    }

    /// The tasks of a state along an order, from where the page begins.
    fn walk_of(&self, state: usize, by: By) -> Walk<'_> {
        let order = self.tasks.order(state, by);
        let descending = self.descending && by != By::Undated;
        if by == By::Due && matches!(self.after, Some(PageEnd::Void(_))) {
            return order.walk(order.end(!descending), descending);
        }
        let starts = |task: u32| {
            let beside = match (by, self.after) {
                (By::Undated, Some(PageEnd::Number(..))) => None,
                _ => self.beside_end(task),
            };
            let (below, above) = self.outside(by, task);
            if descending {
                !above && beside.is_none_or(Ordering::is_lt)
            } else {
                below || beside.is_some_and(Ordering::is_le)
            }
        };
        order.walk(order.place(starts), descending)
    }

    /// Whether an order has nothing more to show once this task is reached.
    fn is_past(&self, by: By, task: u32) -> bool {
        let (below, above) = self.outside(by, task);
        if self.descending { below } else { above }
    }

    /// Whether a task's key is below, or above, all that match.
    fn outside(&self, by: By, task: u32) -> (bool, bool) {
        let columns = &self.tasks.columns;
        match (by, self.due, self.priority) {
            (By::Due, Some((from, to)), _) => {
                let due = columns.due[task as usize];
                (due < from, due > to)
            }
            (By::Priority, _, Some(wanted)) => {
                let priority = i64::from(columns.priority[task as usize]);
                (priority < wanted, priority > wanted)
            }
            _ => (false, false),
        }
    }

    /// How a task's key compares with the end of the page before, upwards. `None` on the first page.
    fn beside_end(&self, task: u32) -> Option<Ordering> {
        let (columns, at) = (&self.tasks.columns, task as usize);
        let number = match self.key {
            Key::Updated => columns.updated[at],
            Key::Due => columns.due[at],
            Key::Priority => columns.priority[at].into(),
            _ => columns.created[at],
        };
        let (keys, id) = match self.after? {
            PageEnd::Number(end, id) => (number.cmp(end), id),
            PageEnd::Text(end, id) if self.key == Key::Title => {
                (compare_to_title_key(columns.titles.get(task), end), id)
            }
            PageEnd::Text(end, id) => (columns.positions.get(task).cmp(end.as_bytes()), id),
            PageEnd::Void(id) => (Ordering::Equal, id),
            PageEnd::Rank(_) => return None,
        };
        Some(keys.then_with(|| columns.ids[at].cmp(id)))
    }

    /// Whether a task comes after the page before.
    fn is_beyond(&self, task: u32) -> bool {
        let is_dated = self.tasks.columns.due[task as usize] != NO_DATE;
        let beside = self.beside_end(task);
        match (self.key, self.after, is_dated) {
            (_, None, _) | (Key::Due, Some(PageEnd::Number(..)), false) => true,
            (Key::Due, Some(PageEnd::Void(_)), true) => false,
            (Key::Due, Some(PageEnd::Void(_)), false) => beside.is_some_and(Ordering::is_gt),
            _ if self.descending => beside.is_some_and(Ordering::is_lt),
            _ => beside.is_some_and(Ordering::is_gt),
        }
    }

    /// Which of two tasks comes first in the list.
    fn compare(&self, one: u32, other: u32) -> Ordering {
        let columns = &self.tasks.columns;
        let by = match self.key {
            Key::Created | Key::Match => {
                let upwards = columns.creation(one).cmp(&columns.creation(other));
                return if self.descending {
                    upwards.reverse()
                } else {
                    upwards
                };
            }
            Key::Updated => By::Updated,
            Key::Priority => By::Priority,
            Key::Title => By::Title,
            Key::Position => By::Position,
            Key::Due => {
                let is_undated = |task: u32| columns.due[task as usize] == NO_DATE;
                match (is_undated(one), is_undated(other)) {
                    (true, true) => return columns.compare(By::Undated, one, other),
                    (false, false) => By::Due,
                    (first, second) => return first.cmp(&second),
                }
            }
        };
        let upwards = columns.compare(by, one, other);
        if self.descending {
            upwards.reverse()
        } else {
            upwards
        }
    }
}
