//! SQLite's index of words: new tasks, and those that changed (`task_search_due`), are indexed in steps, because an insert
//! into the index in every small transaction costs as much as the task. Whoever searches sees to it that nothing waits.
//! PostgreSQL keeps the words in the task's row: nothing waits there.

use super::link::Dialect;
use super::statement::Sql;
use super::{Group, Reader, Result};

/// The highest number in the index.
const INDEXED: &str = "coalesce((select max(id) from task_search_docsize), 0)";

const INSERT: &str = "insert into task_search (rowid, scope, title, description, tags)
    select number, hex(workspace_id), title, description, tags from tasks where number";

/// Whether tasks wait to be indexed.
pub async fn is_behind(reader: &mut Reader) -> Result<bool> {
    if reader.dialect() == Dialect::Postgres {
        return Ok(false);
    }
    let sql = Sql::new(&format!(
        "select exists (select 1 from task_search_due) or coalesce((select max(number) from tasks), 0) > {INDEXED}"
    ));
    Ok(reader.get::<(bool,)>(sql).await?.0)
}

/// Indexes tasks that wait, about `limit` at most; returns how many these were.
pub async fn catch_up(group: &mut Group, limit: i64) -> Result<u64> {
    if !group.is_alone() {
        return Ok(0);
    }
    // new ones first: only when all of them are there does a number below the highest say that a task was indexed
    let new = index_new(group, limit).await?;
    if new >= limit as u64 {
        return Ok(new);
    }
    Ok(new + index_changed(group, limit).await?)
}

async fn index_new(group: &mut Group, limit: i64) -> Result<u64> {
    let new = format!("select number from tasks where number > {INDEXED}");
    let Some((new, first, last)) = next(group, &new, limit).await? else {
        return Ok(0);
    };
    let mut index = Sql::new(INSERT);
    index.push(" between ").bind(first).push(" and ").bind(last);
    group.select::<()>(index).await?;
    Ok(new)
}

async fn index_changed(group: &mut Group, limit: i64) -> Result<u64> {
    let due = "select number from task_search_due";
    let Some((due, first, last)) = next(group, due, limit).await? else {
        return Ok(0);
    };
    for text in [
        "delete from task_search where rowid",
        INSERT,
        "delete from task_search_due where number",
    ] {
        let mut sql = Sql::new(text);
        sql.push(" in (select number from task_search_due where number between ");
        sql.bind(first).push(" and ").bind(last).push(")");
        group.select::<()>(sql).await?;
    }
    Ok(due)
}

/// The next numbers of what waits, `limit` at most: how many these are, the first and the last.
async fn next(group: &mut Group, waiting: &str, limit: i64) -> Result<Option<(u64, i64, i64)>> {
    let mut sql = Sql::new(waiting);
    sql.push(" order by number limit ").bind(limit);
    let numbers: Vec<(i64,)> = group.select(sql).await?;
    let ends = numbers.first().zip(numbers.last());
    Ok(ends.map(|((first,), (last,))| (numbers.len() as u64, *first, *last)))
}
