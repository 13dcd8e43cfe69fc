//! Lists of tasks: filters, full-text search, every order, pages by keyset.
//!
//! - `order`   what orders a list, and where a page of it ended
//! - `filter`  the SQL conditions for a list's filters
//! - `index`   an index of a large workspace's tasks, in memory, for all of this but full-text search
//! - `matches` what matches a search, and how well

mod filter;
mod index;
pub mod matches;
mod order;

pub(super) use filter::of;
pub use filter::{Words, looked_for};
pub use index::{Claim, Draft, Found, ListIndex, ListIndexes, Standing};
pub use order::{PageEnd, fits, page_end};

use super::link::Dialect;
use super::sql::Sql;
use super::tasks::{COLUMNS, TaskRow, by_id};
use super::{Reader, Result, streams};
use filter::{conditions, filter, within};
use foldhash::HashMap;
use matches::{CommentMatch, Places, Rank};
use order::{Key, keyset, order};
use taskwire_protocol::task::{ListTasks, Status, Task};
use taskwire_protocol::{TaskId, UserId, WorkspaceId};
use uuid::Uuid;

/// The workspaces whose tasks a list may show.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// This workspace.
    Workspace(WorkspaceId),
    /// All workspaces of this user.
    OfUser(UserId),
    /// Those of this user that are in the list.
    Among(UserId, &'a [WorkspaceId]),
}

/// A page of tasks. `words`: what a search in it found.
pub async fn list(
    reader: &mut Reader,
    scope: Scope<'_>,
    (wanted, words): (&ListTasks, &Words),
    after: Option<&PageEnd>,
    limit: i64,
) -> Result<Vec<Task>> {
    let (key, descending) = order(wanted);
    if key != Key::Due {
        let mut sql = select(reader.dialect(), scope, wanted, words);
        keyset(&mut sql, reader.dialect(), key, descending, after, limit);
        return reader.list::<TaskRow>(sql).await;
    }
    // tasks without a date come last in both directions, so the dated ones are read first; each part has an index
    let mut tasks = Vec::new();
    if !matches!(after, Some(PageEnd::Void(_))) {
        let mut sql = select(reader.dialect(), scope, wanted, words);
        sql.push(" and t.due_at is not null");
        keyset(&mut sql, reader.dialect(), key, descending, after, limit);
        tasks = reader.list::<TaskRow>(sql).await?;
    }
    let rest = limit - tasks.len() as i64;
    if rest > 0 {
        tasks.extend(undated(reader, scope, wanted, words, after, rest).await?);
    }
    Ok(tasks)
}

/// How many tasks match the filters. `words`: what a search among them found.
pub async fn count(
    reader: &mut Reader,
    scope: Scope<'_>,
    (wanted, words): (&ListTasks, &Words),
) -> Result<u64> {
    if let Some(total) = counted(reader, scope, wanted).await? {
        return Ok(total);
    }
    let mut sql = Sql::new(&format!("select count(*) from {} t where ", table(wanted)));
    filter(&mut sql, reader.dialect(), scope, wanted, words);
    reader.count(sql).await
}

/// Whether a list is one for an index: it would look at many rows that it does not show. Searches and lists of subtasks have
/// indexes of their own, and all tasks of a workspace by creation are in their place.
pub fn suits_index(scope: Scope<'_>, wanted: &ListTasks) -> bool {
    let is_plain = matches!(scope, Scope::Workspace(_))
        && order(wanted).0 == Key::Created
        && matches!(wanted.status, None | Some(Status::All))
        && is_unfiltered(wanted);
    wanted.q.is_none() && wanted.parent_id.is_none() && !is_plain
}

/// The workspaces of a user, by id, and how many tasks each has, deleted ones too.
pub async fn sizes(
    reader: &mut Reader,
    user: UserId,
    only: Option<&[WorkspaceId]>,
) -> Result<Vec<(WorkspaceId, u64)>> {
    let mut sql = Sql::new(
        "select m.workspace_id, s.pending + s.completed + s.deleted from members m
         join streams s on s.kind = 1 and s.id = m.workspace_id where m.user_id = ",
    );
    sql.bind(user.0)
        .among("m.workspace_id", only)
        .push(" order by m.workspace_id");
    let found: Vec<(Uuid, i64)> = reader.fetch(sql).await?;
    let sizes = found
        .into_iter()
        .map(|(id, tasks)| (WorkspaceId(id), tasks.max(0).unsigned_abs()));
    Ok(sizes.collect())
}

/// The first `limit` tasks of several lists that are in the same order.
pub fn merged(wanted: &ListTasks, parts: Vec<Vec<Task>>, limit: i64) -> Vec<Task> {
    let (_, descending) = order(wanted);
    let tasks = parts.into_iter().flatten();
    let mut tasks: Vec<(PageEnd, Task)> = tasks.map(|task| (page_end(wanted, &task), task)).collect();
    tasks.sort_by(|(one, _), (other, _)| one.compare(other, descending));
    let tasks = tasks.into_iter().map(|(_, task)| task);
    tasks.take(usize::try_from(limit).unwrap_or_default()).collect()
}

/// The tasks with these ids, in this order. `None` if one of them is not there.
pub async fn these(reader: &mut Reader, ids: &[Uuid]) -> Result<Option<Vec<Task>>> {
    if ids.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let sql = filter::these(reader.dialect(), COLUMNS, ids);
    let found = reader.list::<TaskRow>(sql).await?;
    let mut found: HashMap<Uuid, Task> = found.into_iter().map(|task| (task.id.0, task)).collect();
    Ok(ids.iter().map(|id| found.remove(id)).collect())
}

/// Whether nothing but its status filters a list.
fn is_unfiltered(wanted: &ListTasks) -> bool {
    let unfiltered = ListTasks {
        workspace_id: wanted.workspace_id,
        status: wanted.status,
        include_deleted: wanted.include_deleted,
        sort: wanted.sort,
        limit: wanted.limit,
        cursor: wanted.cursor.clone(),
        ..ListTasks::default()
    };
    *wanted == unfiltered
}

/// The count from a workspace's stream, which counts tasks by status. `None` for other filters: they count rows.
async fn counted(reader: &mut Reader, scope: Scope<'_>, wanted: &ListTasks) -> Result<Option<u64>> {
    let Scope::Workspace(workspace) = scope else {
        return Ok(None);
    };
    if !is_unfiltered(wanted) {
        return Ok(None);
    }
    let counters = streams::counters(reader, workspace.into()).await?;
    let (pending, completed, deleted) = (counters.pending, counters.completed, counters.deleted);
    let total = match (wanted.status, wanted.include_deleted.unwrap_or(false)) {
        (Some(Status::All), _) | (None, true) => pending + completed + deleted,
        (None, false) => pending + completed,
        (Some(Status::Pending), false) => pending,
        (Some(Status::Completed), false) => completed,
        (Some(Status::Deleted), _) => deleted,
        (Some(Status::Pending | Status::Completed), true) => return Ok(None),
    };
    Ok(Some(total.max(0) as u64))
}

/// The table that a list reads: `tasks` if an index there serves the list, otherwise a workspace's tasks by creation.
fn table(wanted: &ListTasks) -> &'static str {
    let by_index = order(wanted).0 == Key::Due
        || wanted.q.is_some()
        || wanted.assignee_id.is_some()
        || wanted.parent_id.is_some()
        || wanted.status == Some(Status::Deleted);
    if by_index { "tasks" } else { "tasks_by_workspace" }
}

fn select(dialect: Dialect, scope: Scope<'_>, wanted: &ListTasks, words: &Words) -> Sql {
    let mut sql = Sql::new(&format!("select {COLUMNS} from {} t where ", table(wanted)));
    filter(&mut sql, dialect, scope, wanted, words);
    sql
}

/// The tasks without a date, by id.
async fn undated(
    reader: &mut Reader,
    scope: Scope<'_>,
    wanted: &ListTasks,
    words: &Words,
    after: Option<&PageEnd>,
    limit: i64,
) -> Result<Vec<Task>> {
    let dialect = reader.dialect();
    let after = match after {
        Some(PageEnd::Void(id)) => *id,
        _ => Uuid::nil(),
    };
    let narrow = |sql: &mut Sql| {
        conditions(sql, dialect, scope, wanted, words);
        sql.push(" and t.due_at is null");
    };
    if let (Scope::Workspace(id), None) = (scope, wanted.assignee_id) {
        return by_id(reader, id, after, limit, narrow).await;
    }
    let table = match wanted.assignee_id {
        Some(_) => "tasks",
        None => "tasks_by_workspace",
    };
    let mut sql = Sql::new(&format!("select {COLUMNS} from {table} t where "));
    within(&mut sql, scope, wanted);
    narrow(&mut sql);
    sql.page("t.id", Some(after), limit);
    reader.list::<TaskRow>(sql).await
}

/// The tasks that match `q` and the filters, the best first: the newest matches, at most [`matches::TASKS`].
async fn matching_tasks(reader: &mut Reader, scope: Scope<'_>, wanted: &ListTasks) -> Result<Vec<Rank>> {
    let Some(terms) = looked_for(wanted.q.as_deref()) else {
        return Ok(Vec::new());
    };
    let (dialect, places) = (reader.dialect(), Places::of(reader, scope).await?);
    let narrow = |sql: &mut Sql| conditions(sql, dialect, scope, wanted, &Words::NONE);
    matches::tasks(reader, (scope, &places), &terms, (&narrow, wanted)).await
}

/// What `q` finds, for a list in another order.
pub async fn words(reader: &mut Reader, scope: Scope<'_>, wanted: &ListTasks) -> Result<Words> {
    if wanted.q.is_none() {
        return Ok(Words::NONE);
    }
    let found = matching_tasks(reader, scope, wanted).await?;
    Ok(Words(Some(found.into_iter().map(|rank| rank.id.0).collect())))
}

/// A page of the best matches with their ranks, and how many matches there are.
pub async fn best_matches(
    reader: &mut Reader,
    scope: Scope<'_>,
    wanted: &ListTasks,
    after: Option<&PageEnd>,
    limit: i64,
) -> Result<(Vec<(Rank, Task)>, u64)> {
    let found = matching_tasks(reader, scope, wanted).await?;
    let total = found.len() as u64;
    Ok((page_of(reader, found, after, limit).await?, total))
}

/// Whether a list shows the best matches first.
pub fn is_ranked(wanted: &ListTasks) -> bool {
    order(wanted).0 == Key::Match
}

/// A page of what was found: the tasks after a position.
pub async fn page_of(
    reader: &mut Reader,
    found: Vec<Rank>,
    after: Option<&PageEnd>,
    limit: i64,
) -> Result<Vec<(Rank, Task)>> {
    let first = match after {
        Some(PageEnd::Rank(rank)) => found.partition_point(|other| other <= rank),
        _ => 0,
    };
    let limit = usize::try_from(limit).unwrap_or_default();
    let page: Vec<Rank> = found.into_iter().skip(first).take(limit).collect();
    if page.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = page.iter().map(|rank| rank.id.0).collect();
    let sql = filter::these(reader.dialect(), COLUMNS, &ids);
    let tasks = reader.list::<TaskRow>(sql).await?;
    let mut tasks: HashMap<Uuid, Task> = tasks.into_iter().map(|task| (task.id.0, task)).collect();
    let of = |rank: Rank| Some((rank, tasks.remove(&rank.id.0)?));
    Ok(page.into_iter().filter_map(of).collect())
}

/// The tasks that match `q` by themselves, the best first, and the comments that match, by their tasks.
pub async fn matching(
    reader: &mut Reader,
    scope: Scope<'_>,
    wanted: &ListTasks,
) -> Result<(Vec<Rank>, HashMap<TaskId, Vec<CommentMatch>>)> {
    let Some(terms) = looked_for(wanted.q.as_deref()) else {
        return Ok((Vec::new(), HashMap::default()));
    };
    let (dialect, places) = (reader.dialect(), Places::of(reader, scope).await?);
    let narrow = |sql: &mut Sql| conditions(sql, dialect, scope, wanted, &Words::NONE);
    let tasks = matches::tasks(reader, (scope, &places), &terms, (&narrow, wanted)).await?;
    let comments = matches::comments(reader, (scope, &places), &terms, (&narrow, wanted)).await?;
    Ok((tasks, comments))
}
