//! The index of texts, where it is not part of writing a task or a comment.
//!
//! SQLite has indexes of words (`task_search`, `comment_search`) and the keys that order titles (`task_titles`). New tasks and
//! comments, and changed ones (`task_search_due`, `comment_search_due`), are indexed in steps: an insert into an index in
//! every small transaction would cost as much as the task. A search, or a list by title, first has everything indexed that
//! was there before it. What an older version wrote (`search_backlog`) is no part of that: a job indexes it, the newest first.
//!
//! PostgreSQL keeps all of it in the rows. Rows that an older version wrote lack it, or have what that version made of them;
//! `texts_at` and `words_at` tell: they are the version of the row whose texts were indexed.

use super::bind::Kind::{Id, Int, Text};
use super::link::Dialect;
use super::sql::Sql;
use super::statement::{Batch, Statement, statement};
use super::task_list::{Scope, of};
use super::{Reader, Result, Transaction, words};
use crate::unicode::title_key;
use taskwire_protocol::WorkspaceId;
use uuid::Uuid;

static INDEX: Statement = statement(
    &[
        ("number", Int),
        ("title", Text),
        ("description", Text),
        ("tags", Text),
    ],
    "insert into task_search (rowid, title, description, tags)
     select number, title, description, tags from v where {rows}",
);

static INDEX_COMMENTS: Statement = statement(
    &[("number", Int), ("body", Text)],
    "insert into comment_search (rowid, body) select number, body from v where {rows}",
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
    "update tasks set search = v.search::tsvector, title_key = v.title_key, texts_at = v.version, words_at = v.version from v
     where tasks.id = v.id and tasks.version = v.version and {rows}",
);

static REFRESH_COMMENTS: Statement = statement(
    &[("id", Id), ("search", Text), ("version", Int)],
    "update comments set search = v.search::tsvector, words_at = v.version from v
     where comments.id = v.id and comments.version = v.version and {rows}",
);

/// What has words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Tasks: their titles, descriptions and tags.
    Tasks,
    /// Comments.
    Comments,
}

impl What {
    const ALL: [What; 2] = [What::Tasks, What::Comments];

    /// How the backlog calls it.
    fn name(self) -> &'static str {
        match self {
            What::Tasks => "tasks",
            What::Comments => "comments",
        }
    }

    /// SQLite's tables: the one that has the numbers, the index of words, and what waits for it.
    fn tables(self) -> [&'static str; 3] {
        match self {
            What::Tasks => ["tasks", "task_search", "task_search_due"],
            What::Comments => ["comment_numbers", "comment_search", "comment_search_due"],
        }
    }

    /// The highest number that is not new. A number above it was never indexed.
    fn indexed(self) -> String {
        let ([_, words, _], name) = (self.tables(), self.name());
        format!(
            "max(coalesce((select max(id) from {words}_docsize), 0),
               coalesce((select top from search_backlog where what = '{name}'), 0))"
        )
    }
}

/// What waits to be indexed at a moment. It excludes what is written later, so catching up comes to an end, however much is
/// written meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    /// SQLite's, by their numbers: later ones have higher ones, later changes are behind `after`.
    Numbers {
        /// Of these.
        what: What,
        /// Changed ones up to this number are indexed.
        after: i64,
        /// The highest number.
        to: i64,
    },
    /// SQLite's that an older version wrote.
    Backlog(What),
    /// PostgreSQL's rows with an id below this one, as far as an older version wrote them.
    Rows(What, Uuid),
    /// Rows of a list that lack the key of their title.
    Titles(Scope<'static>),
}

/// What waits for its words now.
pub async fn due(reader: &mut Reader) -> Result<Vec<Due>> {
    if reader.dialect() == Dialect::Postgres {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    for what in What::ALL {
        let ([numbers, _, due], indexed) = (what.tables(), what.indexed());
        // one number for both new and changed ones: changed ones are indexed only after all new ones
        let sql = Sql::new(&format!(
            "select max(row, due) from (
               select coalesce((select max(number) from {numbers}), 0) as row,
                 coalesce((select max(number) from {due}), 0) as due
             ) where due > 0 or row > {indexed}"
        ));
        let to = reader.scalar(sql).await?;
        all.extend(to.map(|to| Due::Numbers { what, after: 0, to }));
    }
    Ok(all)
}

/// What a list by title waits for now.
pub async fn titles_due(reader: &mut Reader, scope: Scope<'static>) -> Result<Vec<Due>> {
    if reader.dialect() == Dialect::Sqlite {
        return due(reader).await;
    }
    let mut sql = Sql::new("select exists (select 1 from tasks t where ");
    of(&mut sql, scope);
    sql.push(" and t.title_key is null)");
    let (wait,) = reader.get::<(bool,)>(sql).await?;
    Ok(wait.then_some(Due::Titles(scope)).into_iter().collect())
}

/// All that may wait, also what an older version wrote: on PostgreSQL every row is looked at.
pub async fn all_due(reader: &mut Reader) -> Result<Vec<Due>> {
    if reader.dialect() == Dialect::Postgres {
        return Ok(What::ALL.map(|what| Due::Rows(what, Uuid::max())).into());
    }
    let mut all = due(reader).await?;
    let waits: Vec<(String,)> = reader.fetch(Sql::new("select what from search_backlog")).await?;
    let waits = |what: &What| waits.iter().any(|(name,)| name == what.name());
    all.extend(What::ALL.into_iter().filter(waits).map(Due::Backlog));
    Ok(all)
}

/// Indexes about `limit` of what waits. Returns what still waits after that.
pub async fn catch_up(tx: &mut Transaction, due: Due, limit: i64) -> Result<Option<Due>> {
    match due {
        Due::Numbers { what, after, to } => {
            // new ones first: a number below the index's highest says that it was indexed only when all new ones were
            if index_new(tx, what, to, limit).await? >= limit as u64 {
                return Ok(Some(due));
            }
            index_changed(tx, what, (after, to), limit).await
        }
        Due::Backlog(what) => Ok(index_backlog(tx, what, limit).await?.then_some(due)),
        Due::Rows(what, before) => {
            let mut rows = Sql::new("t.id < ");
            rows.bind(before).push(" order by t.id desc").limit(limit);
            let seen = match what {
                What::Tasks => refresh(tx, rows).await?,
                What::Comments => refresh_comments(tx, rows).await?,
            };
            let last = seen.last().filter(|_| seen.len() as i64 >= limit);
            Ok(last.map(|id| Due::Rows(what, *id)))
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

/// A task's id, workspace, title, description, tags and version, and whether an older version made its words.
type TaskTexts = (Uuid, Uuid, String, Option<String>, String, i64, bool);

/// Gives those of these rows of PostgreSQL their words and keys that an older version wrote. Returns the rows' ids.
async fn refresh(tx: &mut Transaction, rows: Sql) -> Result<Vec<Uuid>> {
    let rows = rows.after_text(
        "select t.id, t.workspace_id, t.title, t.description, t.tags, t.version,
           t.texts_at is distinct from t.version or t.words_at is distinct from t.version
         from tasks t where ",
    );
    let rows: Vec<TaskTexts> = tx.select(rows).await?;
    let seen = rows.iter().map(|(id, ..)| *id).collect();
    let old = rows.into_iter().filter(|(.., is_old)| *is_old);
    let batch = Batch::of(old.map(|(id, workspace, title, description, tags, version, _)| {
        let tags = tag_names(&tags);
        let texts = [Some(&*title), description.as_deref()].into_iter().flatten();
        let search = words::vector(
            WorkspaceId(workspace),
            texts.chain(tags.iter().map(String::as_str)),
        );
        [id.into(), search.into(), title_key(&title).into(), version.into()]
    }));
    tx.execute(&REFRESH, batch).await?;
    Ok(seen)
}

/// Gives those of these comments of PostgreSQL their words that an older version wrote. Returns the rows' ids.
async fn refresh_comments(tx: &mut Transaction, rows: Sql) -> Result<Vec<Uuid>> {
    let rows = rows.after_text(
        "select t.id, t.workspace_id, t.body, t.version, t.words_at is distinct from t.version from comments t where ",
    );
    let rows: Vec<(Uuid, Uuid, String, i64, bool)> = tx.select(rows).await?;
    let seen = rows.iter().map(|(id, ..)| *id).collect();
    let old = rows.into_iter().filter(|(.., is_old)| *is_old);
    let batch = Batch::of(old.map(|(id, workspace, body, version, _)| {
        let search = words::vector(WorkspaceId(workspace), [&*body]);
        [id.into(), search.into(), version.into()]
    }));
    tx.execute(&REFRESH_COMMENTS, batch).await?;
    Ok(seen)
}

async fn index_new(tx: &mut Transaction, what: What, to: i64, limit: i64) -> Result<u64> {
    let ([numbers, ..], indexed) = (what.tables(), what.indexed());
    let mut new = Sql::new(&format!(
        "select number from {numbers} where number > {indexed} and number <= "
    ));
    new.bind(to);
    let Some((new, first, last)) = next(tx, new, limit).await? else {
        return Ok(0);
    };
    index(tx, what, between(first, last)).await?;
    Ok(new)
}

async fn index_changed(
    tx: &mut Transaction,
    what: What,
    (after, to): (i64, i64),
    limit: i64,
) -> Result<Option<Due>> {
    let [numbers, words, due] = what.tables();
    let mut changed = Sql::new(&format!("select number from {due} where number > "));
    changed.bind(after).push(" and number <= ").bind(to);
    let Some((changed, first, last)) = next(tx, changed, limit).await? else {
        return Ok(None);
    };
    let mut range = Sql::new(&format!("in (select number from {due} where number between "));
    range.bind(first).push(" and ").bind(last).push(")");
    tx.select::<()>(range.after_text(&format!("delete from {words} where rowid ")))
        .await?;
    if what == What::Tasks {
        tx.select::<()>(range.after_text("delete from task_titles where number "))
            .await?;
    }
    index(tx, what, range.clone()).await?;
    tx.select::<()>(range.after_text(&format!("delete from {due} where number ")))
        .await?;
    // a number that was deleted may be given again, and is new then
    let mut top = Sql::new(&format!(
        "update search_backlog set top = coalesce((select max(number) from {numbers}), 0)
         where top > coalesce((select max(number) from {numbers}), 0) and what = "
    ));
    top.bind(what.name());
    tx.select::<()>(top).await?;
    Ok((changed >= limit as u64).then_some(Due::Numbers {
        what,
        after: last,
        to,
    }))
}

/// Indexes the newest of what an older version wrote. Returns whether more of it waits.
async fn index_backlog(tx: &mut Transaction, what: What, limit: i64) -> Result<bool> {
    let [numbers, words, _] = what.tables();
    let mut wait = Sql::new(&format!(
        "select number from {numbers} where number <= (select below from search_backlog where what = "
    ));
    wait.bind(what.name()).push(") order by number desc").limit(limit);
    let wait: Vec<(i64,)> = tx.select(wait).await?;
    if let Some(((last,), (first,))) = wait.first().zip(wait.last()) {
        let range = between(*first, *last);
        // some of them may have changed since, and have words
        tx.select::<()>(range.after_text(&format!("delete from {words} where rowid ")))
            .await?;
        index(tx, what, range).await?;
        let mut below = Sql::new("update search_backlog set below = ");
        below.bind(*first - 1).push(" where what = ").bind(what.name());
        tx.select::<()>(below).await?;
    }
    let is_left = wait.len() as i64 >= limit;
    if !is_left {
        let mut done = Sql::new("delete from search_backlog where what = ");
        done.bind(what.name());
        tx.select::<()>(done).await?;
    }
    Ok(is_left)
}

fn between(first: i64, last: i64) -> Sql {
    let mut range = Sql::new("between ");
    range.bind(first).push(" and ").bind(last);
    range
}

/// Indexes what has a number in a range.
async fn index(tx: &mut Transaction, what: What, range: Sql) -> Result<()> {
    match what {
        What::Tasks => index_tasks(tx, range).await,
        What::Comments => index_comments(tx, range).await,
    }
}

async fn index_tasks(tx: &mut Transaction, range: Sql) -> Result<()> {
    let text = "select number, workspace_id, title, description, tags from tasks where number ";
    let rows: Vec<(i64, Uuid, String, Option<String>, String)> = tx.select(range.after_text(text)).await?;
    let keys = rows
        .iter()
        .map(|(number, _, title, ..)| [(*number).into(), title_key(title).into()]);
    let keys = Batch::of(keys);
    let texts = Batch::of(
        rows.into_iter()
            .map(|(number, workspace, title, description, tags)| {
                let (tag, tags) = (words::tag(WorkspaceId(workspace)), tag_names(&tags));
                [
                    number.into(),
                    words::spaced(&tag, [&*title]).into(),
                    words::spaced(&tag, description.as_deref()).into(),
                    words::spaced(&tag, tags.iter().map(String::as_str)).into(),
                ]
            }),
    );
    tx.fetch::<()>(&INDEX, texts).await?;
    tx.fetch::<()>(&ORDER, keys).await?;
    Ok(())
}

async fn index_comments(tx: &mut Transaction, range: Sql) -> Result<()> {
    let text = "select n.number, c.workspace_id, c.body from comment_numbers n join comments c on c.id = n.id where number ";
    let rows: Vec<(i64, Uuid, String)> = tx.select(range.after_text(text)).await?;
    let texts = Batch::of(rows.into_iter().map(|(number, workspace, body)| {
        let tag = words::tag(WorkspaceId(workspace));
        [number.into(), words::spaced(&tag, [&*body]).into()]
    }));
    tx.fetch::<()>(&INDEX_COMMENTS, texts).await.map(drop)
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
