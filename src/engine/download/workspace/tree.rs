//! The tasks of a workspace in the order of their ids, except that one with a greater id above it follows that one. So each
//! comes after its parent, and no list of all tasks is needed.

use super::super::pieces::Stop;
use super::source::{PAGE, Page, Source};
use std::collections::HashSet;
use std::vec;
use taskwire_protocol::TaskId;
use taskwire_protocol::task::Task;
use uuid::Uuid;

/// Tasks have so many levels of subtasks.
const LEVELS: usize = 2;

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
            } else if self.is_over {
                return Ok(None);
            } else {
                self.turn(source.page(self.after).await?);
            }
        }
    }

    async fn next_below(&mut self, source: &Source) -> Result<Option<Task>, Stop> {
        let depth = self.below.len();
        let Some(level) = self.below.last_mut() else {
            return Ok(None);
        };
        if let Some(task) = level.rows.next() {
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
        let mut tasks = page.tasks;
        tasks.retain(|task| {
            let above = task.parent_id.into_iter();
            let mut above = above.chain(task.parent_id.and_then(|id| page.grandparents.get(&id).copied()));
            above.all(|id| id < task.id)
        });
        self.page = tasks.into_iter();
    }
}
