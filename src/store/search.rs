//! SQLite's index of words: new tasks, and those that changed (`task_search_due`), are indexed in steps, because an insert
//! into the index in every small transaction costs as much as the task. Whoever searches sees to it that nothing waits.
//! PostgreSQL keeps the words in the task's row: nothing waits there.

use super::link::Dialect;
use super::statement::Sql;
use super::{Group, Reader, Result};

/// The highest number in the index.
const INDEXED: &str = "coalesce((select max(id) from task_search_docsize), 0)";

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
    let indexed: Vec<(i64,)> = group.select(Sql::new(&format!("select {INDEXED}"))).await?;
    let indexed = indexed.first().map_or(0, |(number,)| *number);
    let mut last =
        Sql::new("select count(*), coalesce(max(number), 0) from (select number from tasks where number > ");
    last.bind(indexed)
        .push(" order by number limit ")
        .bind(limit)
        .push(")");
    let last: Vec<(i64, i64)> = group.select(last).await?;
    let Some((new, last)) = last.first().copied().filter(|(new, _)| *new > 0) else {
        return Ok(0);
    };
    let mut index = Sql::new(INSERT);
    index.push(" > ").bind(indexed).push(" and number <= ").bind(last);
    group.select::<()>(index).await?;
    Ok(new as u64)
}

const INSERT: &str = "insert into task_search (rowid, scope, title, description, tags)
    select number, hex(workspace_id), title, description, tags from tasks where number";

async fn index_changed(group: &mut Group, limit: i64) -> Result<u64> {
    let mut due = Sql::new("select number from task_search_due order by number limit ");
    due.bind(limit);
    let due: Vec<(i64,)> = group.select(due).await?;
    let (Some((first,)), Some((last,))) = (due.first(), due.last()) else {
        return Ok(0);
    };
    for text in [
        "delete from task_search where rowid",
        INSERT,
        "delete from task_search_due where number",
    ] {
        let mut sql = Sql::new(text);
        sql.push(" in (select number from task_search_due where number between ");
        sql.bind(*first).push(" and ").bind(*last).push(")");
        group.select::<()>(sql).await?;
    }
    Ok(due.len() as u64)
}
