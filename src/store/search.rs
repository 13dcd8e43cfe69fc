//! SQLite's index of words. New tasks and changed tasks (`task_search_due`) are indexed in steps, because an insert
//! into the index in every small transaction would cost as much as writing the task. Before a search, all earlier
//! changes are indexed. PostgreSQL keeps the words in the task's row, so no task waits there.

use super::link::Dialect;
use super::sql::Sql;
use super::{Reader, Result, Transaction};

/// The highest number in the index.
const INDEXED: &str = "coalesce((select max(id) from task_search_docsize), 0)";

const INSERT: &str = "insert into task_search (rowid, scope, title, description, tags)
    select number, hex(workspace_id), title, description, tags from tasks where number";

/// The tasks that wait to be indexed at one moment, by number. Tasks that are made later have higher numbers and are
/// excluded; so are changed tasks up to `after`. So catching up ends, however much is written meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// Changed tasks up to this number have been indexed.
    after: i64,
    /// The highest number of a task that waits.
    to: i64,
}

/// The tasks that wait to be indexed now, if any.
pub async fn due(reader: &mut Reader) -> Result<Option<Due>> {
    if reader.dialect() == Dialect::Postgres {
        return Ok(None);
    }
    // one number for both new and changed tasks: changed tasks are indexed only after all new ones
    let sql = Sql::new(&format!(
        "select max(task, due) from (
           select coalesce((select max(number) from tasks), 0) as task,
             coalesce((select max(number) from task_search_due), 0) as due
         ) where due > 0 or task > {INDEXED}"
    ));
    let to = reader.scalar(sql).await?;
    Ok(to.map(|to| Due { after: 0, to }))
}

/// Indexes about `limit` of the tasks that wait. Returns those that still wait after that.
pub async fn catch_up(tx: &mut Transaction, due: Due, limit: i64) -> Result<Option<Due>> {
    if !tx.is_alone() {
        return Ok(None);
    }
    // new tasks first: a task below the index's highest number counts as indexed, so a changed task with a high number
    // must not be indexed before all new tasks are
    if index_new(tx, due.to, limit).await? >= limit as u64 {
        return Ok(Some(due));
    }
    index_changed(tx, due, limit).await
}

async fn index_new(tx: &mut Transaction, to: i64, limit: i64) -> Result<u64> {
    let mut new = Sql::new(&format!(
        "select number from tasks where number > {INDEXED} and number <= "
    ));
    new.bind(to);
    let Some((new, first, last)) = next(tx, new, limit).await? else {
        return Ok(0);
    };
    let mut index = Sql::new(INSERT);
    index.push(" between ").bind(first).push(" and ").bind(last);
    tx.select::<()>(index).await?;
    Ok(new)
}

async fn index_changed(tx: &mut Transaction, due: Due, limit: i64) -> Result<Option<Due>> {
    let mut changed = Sql::new("select number from task_search_due where number > ");
    changed.bind(due.after).push(" and number <= ").bind(due.to);
    let Some((changed, first, last)) = next(tx, changed, limit).await? else {
        return Ok(None);
    };
    for text in [
        "delete from task_search where rowid",
        INSERT,
        "delete from task_search_due where number",
    ] {
        let mut sql = Sql::new(text);
        sql.push(" in (select number from task_search_due where number between ");
        sql.bind(first).push(" and ").bind(last).push(")");
        tx.select::<()>(sql).await?;
    }
    Ok((changed >= limit as u64).then_some(Due { after: last, ..due }))
}

/// The next numbers that wait, at most `limit`: their count, the first and the last.
async fn next(tx: &mut Transaction, mut sql: Sql, limit: i64) -> Result<Option<(u64, i64, i64)>> {
    sql.push(" order by number").limit(limit);
    let numbers: Vec<(i64,)> = tx.select(sql).await?;
    let ends = numbers.first().zip(numbers.last());
    Ok(ends.map(|((first,), (last,))| (numbers.len() as u64, *first, *last)))
}
