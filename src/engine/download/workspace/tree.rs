//! The tasks of a workspace in the order of their ids, except that one with a greater id above it follows that one. So each
//! comes after its parent, and no list of all tasks is needed: only of those that wait for the task above them. Tasks that
//! are moved meanwhile come once; one that would have followed a task that was passed already comes at the end.

use super::super::pieces::Stop;
use super::source::{PAGE, Page, Source};
use std::collections::{BTreeSet, HashSet};
use std::vec;
use taskwire_protocol::TaskId;
use taskwire_protocol::task::Task;
use uuid::Uuid;

/// Tasks have so many levels of subtasks.
const LEVELS: usize = 2;
/// The most tasks that wait for one above them and are remembered. Where more do, a task that is moved meanwhile may be
/// missing, or come twice.
const WAITING: usize = 100_000;

/// A walk over the tasks.
#[derive(Default)]
pub(super) struct Tree {
    /// What is left of the page.
    page: vec::IntoIter<Task>,
    /// Those of the page with subtasks to be told right after them.
    holders: HashSet<TaskId>,
    /// Where the next page begins.
    after: Option<Uuid>,
    is_over: bool,
    /// The subtasks that are being told, the deepest ones last.
    below: Vec<Below>,
    waiting: Waiting,
}

/// The tasks that were passed because they follow one with a greater id.
#[derive(Default)]
struct Waiting {
    tasks: BTreeSet<TaskId>,
    /// There were too many.
    is_full: bool,
}

impl Waiting {
    fn add(&mut self, task: TaskId) {
        if self.tasks.len() < WAITING && !self.is_full {
            self.tasks.insert(task);
        } else {
            self.is_full = true;
            self.tasks.clear();
        }
    }

    /// Whether a task has not come yet.
    fn takes(&mut self, task: TaskId) -> bool {
        self.is_full || self.tasks.remove(&task)
    }

    /// Some that nothing was told above of.
    fn some(&mut self) -> Vec<TaskId> {
        let some = self.tasks.iter().copied().take(PAGE.unsigned_abs() as usize);
        let some: Vec<TaskId> = some.collect();
        for task in &some {
            self.tasks.remove(task);
        }
        some
    }
}

/// Subtasks that follow a task whose id is greater than theirs.
struct Below {
    parent: TaskId,
    /// The task above them with the greatest id.
    before: TaskId,
    rows: vec::IntoIter<Task>,
    after: Option<Uuid>,
    is_over: bool,
}

impl Below {
    fn new(parent: TaskId, before: TaskId) -> Below {
        Below {
            parent,
            before,
            rows: vec::IntoIter::default(),
            after: None,
            is_over: false,
        }
    }
}

impl Tree {
    /// The next task; `None` after the last one.
    pub(super) async fn next(&mut self, source: &Source) -> Result<Option<Task>, Stop> {
        loop {
            if !self.below.is_empty() {
                if let Some(task) = self.next_below(source).await? {
                    return Ok(Some(task));
                }
            } else if let Some(task) = self.page.next() {
                if self.holders.contains(&task.id) {
                    self.below.push(Below::new(task.id, task.id));
                }
                return Ok(Some(task));
            } else if !self.is_over {
                self.turn(source.page(self.after).await?);
            } else if !self.rest(source).await? {
                return Ok(None);
            }
        }
    }

    async fn next_below(&mut self, source: &Source) -> Result<Option<Task>, Stop> {
        let depth = self.below.len();
        let Some(level) = self.below.last_mut() else {
            return Ok(None);
        };
        for task in level.rows.by_ref() {
            // one that was moved here came before
            if !self.waiting.takes(task.id) {
                continue;
            }
            let before = level.before;
            if depth < LEVELS {
                self.below.push(Below::new(task.id, before));
            }
            return Ok(Some(task));
        }
        if level.is_over {
            self.below.pop();
            return Ok(None);
        }
        let found = source
            .earlier_subtasks(level.parent, level.before, level.after)
            .await?;
        level.is_over = (found.len() as i64) < PAGE;
        level.after = found.last().map(|task| task.id.0);
        level.rows = found.into_iter();
        Ok(None)
    }

    /// Leaves out the tasks of a page that follow one with a greater id.
    fn turn(&mut self, page: Page) {
        self.after = page.tasks.last().map(|task| task.id.0);
        self.is_over = page.is_last;
        self.holders = page.with_earlier_subtasks;
        let (mut tasks, waiting) = (page.tasks, &mut self.waiting);
        tasks.retain(|task| {
            let above = task.parent_id.into_iter();
            let mut above = above.chain(task.parent_id.and_then(|id| page.grandparents.get(&id).copied()));
            let is_next = above.all(|id| id < task.id);
            if !is_next {
                waiting.add(task.id);
            }
            is_next
        });
        self.page = tasks.into_iter();
    }

    /// Tasks that were moved away from what they would have followed. Returns whether there are any.
    async fn rest(&mut self, source: &Source) -> Result<bool, Stop> {
        let some = self.waiting.some();
        if some.is_empty() {
            return Ok(false);
        }
        let mut found = source.still_there(&some).await?;
        // parents before what is below them, as far as both are here
        let here: HashSet<TaskId> = found.iter().map(|task| task.id).collect();
        found.sort_by_key(|task| task.parent_id.is_some_and(|parent| here.contains(&parent)));
        self.holders.clear();
        self.page = found.into_iter();
        Ok(true)
    }
}
