//! An index of the tasks of a large workspace, in memory, for lists by any order and filter.
//!
//! - `rows`    where it comes from: the tasks' rows at first, and then what the workspace's log names
//! - `held`    the tasks, by what orders and filters them; `order`, `facets` and `texts` are its parts
//! - `select`  what a list shows, and how many tasks it has; `page` the tasks of a page
//! - `kept`    the indexes of this process, and their memory
//!
//! Writers do nothing for it. A list reads at one moment: under the index's turn, it follows the log up to what it sees, and
//! takes the page's ids from the index; then it reads their rows. So it shows what the rows alone would show. Nothing of it is
//! stored: after a start it is built again when somebody asks, and until then lists read rows.

mod facets;
mod held;
mod kept;
mod order;
mod page;
mod rows;
mod select;
#[cfg(test)]
mod tests;
mod texts;

pub use kept::{Claim, ListIndexes};
pub use rows::{Draft, ListIndex, Standing};
pub use select::Found;
