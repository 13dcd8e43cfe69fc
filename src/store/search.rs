//! The index of texts, where it is not part of writing a task.
//!
//! SQLite has an index of words (`task_search`) and the keys that order titles (`task_titles`). New tasks and changed ones
//! (`task_search_due`) are indexed in steps: an insert into the index in every small transaction would cost as much as the
//! task. A search, or a list by title, first has everything indexed that was there before it.
//!
//! PostgreSQL keeps both in the task's row. Rows that an older version wrote lack them, or have the words of that version;
//! `texts_at` tells: it is the version of the task whose texts were indexed.

use super::bind::Kind::{Id, Int, Text};
use super::link::Dialect;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::task_list::{Scope, of};
use super::{Reader, Result, Transaction, words};
use crate::unicode::title_key;
use uuid::Uuid;

/// The highest number in SQLite's index.
const INDEXED: &str = "coalesce((select max(id) from task_search_docsize), 0)";

static INDEX: Statement = statement(
    &[
        ("number", Int),
        ("scope", Text),
        ("title", Text),
        ("description", Text),
        ("tags", Text),
    ],
    "insert into task_search (rowid, scope, title, description, tags)
     select number, scope, title, description, tags from v where {rows}",
);

static ORDER: Statement = statement(
    &[("number", Int), ("title_key", Text)],
    "insert into task_titles (number, title_key) select number, title_key from v where {rows}
     on conflict (number) do update set title_key = excluded.title_key",
);

/// A row that changed meanwhile was written with its words and its key.
static REFRESH: Statement = statement(
    &[
        ("id", Id),
        ("search", Text),
        ("title_key", Text),
        ("version", Int),
    ],
    "update tasks set search = v.search::tsvector, title_key = v.title_key, texts_at = v.version from v
     where tasks.id = v.id and tasks.version = v.version and {rows}",
);

/// The tasks that wait to be indexed at a moment. It excludes later ones, so catching up comes to an end, however much is
/// written meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// SQLite's, by their numbers: later tasks have higher ones, later changes are behind `after`.
    Numbers {
        /// Changed tasks up to this number are indexed.
        after: i64,
        /// The highest number.
        to: i64,
    },
    /// PostgreSQL's rows with an id above this one, as far as an older version wrote them.
    Rows(Uuid),
    /// Rows of a list that lack the key of their title.
    Titles(Scope<'static>),
}

/// The tasks whose words wait to be indexed now, if any.
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
    Ok(to.map(|to| Due::Numbers { after: 0, to }))
}

/// The tasks of a list whose titles wait for their keys now, if any.
pub async fn titles_due(reader: &mut Reader, scope: Scope<'static>) -> Result<Option<Due>> {
    if reader.dialect() == Dialect::Sqlite {
        return due(reader).await;
    }
    let mut sql = Sql::new("select exists (select 1 from tasks t where ");
    of(&mut sql, scope);
    sql.push(" and t.title_key is null)");
    let (wait,) = reader.get::<(bool,)>(sql).await?;
    Ok(wait.then_some(Due::Titles(scope)))
}

/// All tasks that may wait: on PostgreSQL every row is looked at.
pub async fn all_due(reader: &mut Reader) -> Result<Option<Due>> {
    match reader.dialect() {
        Dialect::Sqlite => due(reader).await,
        Dialect::Postgres => Ok(Some(Due::Rows(Uuid::nil()))),
    }
}

/// Indexes about `limit` of the tasks that wait. Returns those that still wait after that.
pub async fn catch_up(tx: &mut Transaction, due: Due, limit: i64) -> Result<Option<Due>> {
    match due {
        Due::Numbers { after, to } => {
            // new ones first: a number below the index's highest says that a task was indexed only when all new ones were
            if index_new(tx, to, limit).await? >= limit as u64 {
                return Ok(Some(due));
            }
            index_changed(tx, (after, to), limit).await
        }
        Due::Rows(after) => {
            let mut rows = Sql::new("t.id > ");
            rows.bind(after).push(" order by t.id").limit(limit);
            let seen = refresh(tx, rows).await?;
            let last = seen.last().filter(|_| seen.len() as i64 >= limit);
            Ok(last.map(|id| Due::Rows(*id)))
        }
        Due::Titles(scope) => {
            let mut rows = Sql::default();
            of(&mut rows, scope);
            rows.push(" and t.title_key is null").limit(limit);
            let seen = refresh(tx, rows).await?;
            Ok((seen.len() as i64 >= limit).then_some(due))
        }
    }
}

/// Gives those of these rows of PostgreSQL their words and keys that an older version wrote. Returns the rows' ids.
async fn refresh(tx: &mut Transaction, rows: Sql) -> Result<Vec<Uuid>> {
    let rows = rows.after_text(
        "select t.id, t.title, t.description, t.tags, t.version, t.texts_at is distinct from t.version
         from tasks t where ",
    );
    let rows: Vec<(Uuid, String, Option<String>, String, i64, bool)> = tx.select(rows).await?;
    let seen = rows.iter().map(|(id, ..)| *id).collect();
    let old = rows.into_iter().filter(|(.., is_old)| *is_old);
    let batch = Batch::of(old.map(|(id, title, description, tags, version, _)| {
        let tags = tag_names(&tags);
        let texts = [Some(&*title), description.as_deref()].into_iter().flatten();
        let search = words::vector(texts.chain(tags.iter().map(String::as_str)));
        [id.into(), search.into(), title_key(&title).into(), version.into()]
    }));
    tx.execute(&REFRESH, batch).await?;
    Ok(seen)
}

async fn index_new(tx: &mut Transaction, to: i64, limit: i64) -> Result<u64> {
    let mut new = Sql::new(&format!(
        "select number from tasks where number > {INDEXED} and number <= "
    ));
    new.bind(to);
    let Some((new, first, last)) = next(tx, new, limit).await? else {
        return Ok(0);
    };
    let mut range = Sql::new("between ");
    range.bind(first).push(" and ").bind(last);
    index(tx, range).await?;
    Ok(new)
}

async fn index_changed(tx: &mut Transaction, (after, to): (i64, i64), limit: i64) -> Result<Option<Due>> {
    let mut changed = Sql::new("select number from task_search_due where number > ");
    changed.bind(after).push(" and number <= ").bind(to);
    let Some((changed, first, last)) = next(tx, changed, limit).await? else {
        return Ok(None);
    };
    let mut range = Sql::new("in (select number from task_search_due where number between ");
    range.bind(first).push(" and ").bind(last).push(")");
    for text in [
        "delete from task_search where rowid ",
        "delete from task_titles where number ",
    ] {
        tx.select::<()>(range.after_text(text)).await?;
    }
    index(tx, range.clone()).await?;
    tx.select::<()>(range.after_text("delete from task_search_due where number "))
        .await?;
    Ok((changed >= limit as u64).then_some(Due::Numbers { after: last, to }))
}

/// Indexes the tasks whose numbers are in a range.
async fn index(tx: &mut Transaction, range: Sql) -> Result<()> {
    let text = "select number, hex(workspace_id), title, description, tags from tasks where number ";
    let rows: Vec<(i64, String, String, Option<String>, String)> = tx.select(range.after_text(text)).await?;
    let keys = rows
        .iter()
        .map(|(number, _, title, ..)| [(*number).into(), title_key(title).into()]);
    let keys = Batch::of(keys);
    let texts = Batch::of(rows.into_iter().map(|(number, scope, title, description, tags)| {
        let tags = tag_names(&tags);
        [
            number.into(),
            scope.into(),
            words::spaced([&*title]).into(),
            words::spaced(description.as_deref()).into(),
            words::spaced(tags.iter().map(String::as_str)).into(),
        ]
    }));
    tx.fetch::<()>(&INDEX, texts).await?;
    tx.fetch::<()>(&ORDER, keys).await?;
    Ok(())
}

/// Tags as a row has them. A row that cannot be read is an error where it is read as a task, and no reason not to index the
/// others.
fn tag_names(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

/// The next numbers that wait, at most `limit`: their count, the first and the last.
async fn next(tx: &mut Transaction, mut sql: Sql, limit: i64) -> Result<Option<(u64, i64, i64)>> {
    sql.push(" order by number").limit(limit);
    let numbers: Vec<(i64,)> = tx.select(sql).await?;
    let ends = numbers.first().zip(numbers.last());
    Ok(ends.map(|((first,), (last,))| (numbers.len() as u64, *first, *last)))
}
