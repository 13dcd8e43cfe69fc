//! The table of tasks.
//!
//! - `row`    a task's row, and the task that it represents; `stage` its stage
//! - `read`   tasks for queries, and page by page; lists with filters are in `task_list`
//! - `file`   what a file of a workspace has beside its tasks
//! - `load`   tasks as a group needs them in memory
//! - `write`  writes the tasks that a group changed; `marks` the tables that find tasks by tag, by
//!   assignee and by what blocks them

mod file;
mod load;
mod marks;
mod read;
mod row;
mod stage;
mod write;

pub use file::{Belongings, belongings, earlier_subtasks, parents, still_there, with_earlier_subtasks};
pub use load::{
    MANY_TOGETHER, MOST, MOST_BEFORE, MOST_BLOCKING, Many, count_many, count_subtasks, deleted_before,
    find_many, load, load_ancestors, load_below, load_blockers, load_levels, load_many, load_neighbours,
    places_beside,
};
pub use marks::{has_tags_to_key, key_tags, lock_tags};
pub use read::{find, load_page, sync};
pub use write::write;

#[cfg(test)]
pub(super) use load::{BELOW, LOAD, SUBTASKS};
#[cfg(test)]
pub(super) use marks::{UNASSIGN, UNBLOCK, UNTAG};
pub(super) use read::by_id;
pub(super) use row::{COLUMNS, TaskRow, priority_code};
pub(super) use stage::is_in as is_in_stage;
#[cfg(test)]
pub(super) use write::{DELETE, WRITTEN};
