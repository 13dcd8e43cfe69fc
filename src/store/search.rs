//! SQLite's index of words: tasks that changed wait in `task_search_due` and are indexed in steps, because an insert into
//! the index in every small transaction costs as much as the task. Whoever searches sees to it that nothing waits.
//! PostgreSQL keeps the words in the task's row: nothing waits there.

use super::link::Dialect;
use super::statement::Sql;
use super::{Group, Reader, Result};

/// Whether tasks wait to be indexed.
pub async fn is_behind(reader: &mut Reader) -> Result<bool> {
    if reader.dialect() == Dialect::Postgres {
        return Ok(false);
    }
    let sql = Sql::new("select exists (select 1 from task_search_due)");
    Ok(reader.get::<(bool,)>(sql).await?.0)
}

/// Indexes tasks that wait, `limit` at most; returns how many these were.
pub async fn catch_up(group: &mut Group, limit: i64) -> Result<u64> {
    if !group.is_alone() {
        return Ok(0);
    }
    let mut due = Sql::new("select number from task_search_due order by number limit ");
    due.bind(limit);
    let due: Vec<(i64,)> = group.select(due).await?;
    let (Some((first,)), Some((last,))) = (due.first(), due.last()) else {
        return Ok(0);
    };
    let waiting = |text: &str| {
        let mut sql = Sql::new(text);
        sql.push(" in (select number from task_search_due where number between ");
        sql.bind(*first).push(" and ").bind(*last).push(")");
        sql
    };
    for text in [
        "delete from task_search where rowid",
        "insert into task_search (rowid, scope, title, description, tags)
         select number, hex(workspace_id), title, description, tags from tasks where number",
        "delete from task_search_due where number",
    ] {
        group.select::<()>(waiting(text)).await?;
    }
    Ok(due.len() as u64)
}
