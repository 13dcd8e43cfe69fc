//! The stage of a task, as its row has it. `stage` has it while the task is not completed, `done_stage` while it is; null
//! stands for the standard one. Two columns, so that an instance of an older version, which knows neither, may complete and
//! reopen tasks; and null, so that most rows, and all of older versions, have nothing there.

use crate::store::bind::Cell;
use crate::store::sql::Sql;
use std::sync::{Arc, LazyLock};
use taskwire_protocol::stage::{FIRST_DONE, FIRST_OPEN};
use taskwire_protocol::task::Task;

/// The keys of the standard stages, of tasks that are not completed and of those that are.
static STANDARD: LazyLock<[Arc<str>; 2]> = LazyLock::new(|| [FIRST_OPEN.into(), FIRST_DONE.into()]);

/// The stage of a row with these two columns.
pub(super) fn read(completed: bool, stage: Option<String>, done_stage: Option<String>) -> Arc<str> {
    let stored = if completed { done_stage } else { stage };
    stored.map_or_else(|| STANDARD[usize::from(completed)].clone(), Arc::from)
}

/// Both columns of a task.
pub(super) fn cells(task: &Task) -> (Cell, Cell) {
    let stored = |is_its: bool, standard: &str| {
        let stored = is_its && &*task.stage != standard;
        Cell::Text(stored.then(|| task.stage.clone()))
    };
    (
        stored(!task.completed, FIRST_OPEN),
        stored(task.completed, FIRST_DONE),
    )
}

/// Appends the condition that a task `t` is in one of these stages. By the columns themselves, of which PostgreSQL knows how
/// many rows have which value.
pub(in crate::store) fn is_in(sql: &mut Sql, stages: &[&str]) {
    sql.push("(");
    for (i, key) in stages.iter().enumerate() {
        sql.push(if i > 0 { " or " } else { "" });
        for (column, standard, or) in [
            ("t.completed = false and t.stage", FIRST_OPEN, " or "),
            ("t.completed = true and t.done_stage", FIRST_DONE, ""),
        ] {
            sql.push(column);
            if *key == standard {
                sql.push(" is null");
            } else {
                sql.push(" = ").bind(*key);
            }
            sql.push(or);
        }
    }
    sql.push(")");
}
