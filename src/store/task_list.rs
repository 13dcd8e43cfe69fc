//! Lists of tasks: filters, full-text search, every order, pages by keyset. Full-text search is the one thing of which
//! there are two texts.

use super::bind::Cell;
use super::link::Dialect;
use super::statement::Sql;
use super::tasks::{COLUMNS, TaskRow, by_id, priority_code, read};
use super::{Reader, Result, streams, words};
use serde::{Deserialize, Serialize};
use taskwire_protocol::task::{ListTasks, Sort, Status, Task};
use taskwire_protocol::{UserId, WorkspaceId};
use uuid::Uuid;

/// Where to look.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// In this workspace.
    Workspace(WorkspaceId),
    /// In every workspace of this user.
    OfUser(UserId),
}

/// Where a page ended; opaque on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Position {
    /// After this number and id.
    #[serde(rename = "n")]
    Number(i64, Uuid),
    /// After this text and id.
    #[serde(rename = "t")]
    Text(String, Uuid),
    /// After this id among those without a value.
    #[serde(rename = "v")]
    Void(Uuid),
    /// After this many: best matches have no key that stays.
    #[serde(rename = "o")]
    Offset(i64),
}

/// What orders a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Created,
    Updated,
    Due,
    Priority,
    Title,
    Position,
    Match,
}

fn order(wanted: &ListTasks) -> (Key, bool) {
    match wanted.sort {
        None if wanted.q.is_some() => (Key::Match, false),
        None | Some(Sort::CreatedAtDesc) => (Key::Created, true),
        Some(Sort::CreatedAt) => (Key::Created, false),
        Some(Sort::UpdatedAt) => (Key::Updated, false),
        Some(Sort::UpdatedAtDesc) => (Key::Updated, true),
        Some(Sort::DueAt) => (Key::Due, false),
        Some(Sort::DueAtDesc) => (Key::Due, true),
        Some(Sort::Priority) => (Key::Priority, false),
        Some(Sort::PriorityDesc) => (Key::Priority, true),
        Some(Sort::Title) => (Key::Title, false),
        Some(Sort::TitleDesc) => (Key::Title, true),
        Some(Sort::Position) => (Key::Position, false),
        Some(Sort::PositionDesc) => (Key::Position, true),
    }
}

/// Whether a cursor belongs to the order of this list.
pub fn fits(wanted: &ListTasks, position: &Position) -> bool {
    match (order(wanted).0, position) {
        (Key::Match, Position::Offset(offset)) => *offset >= 0,
        (Key::Due, Position::Number(..) | Position::Void(_))
        | (Key::Created | Key::Updated | Key::Priority, Position::Number(..))
        | (Key::Title | Key::Position, Position::Text(..)) => true,
        _ => false,
    }
}

/// Where the next page begins: after this task, which is number `seen` of the list.
pub fn position_of(wanted: &ListTasks, task: &Task, seen: i64) -> Position {
    let id = task.id.0;
    match order(wanted).0 {
        Key::Created => Position::Number(task.created_at.0, id),
        Key::Updated => Position::Number(task.updated_at.0, id),
        Key::Due => task
            .due_at
            .map_or(Position::Void(id), |due| Position::Number(due.0, id)),
        Key::Priority => Position::Number(priority_code(task.priority), id),
        Key::Title => Position::Text(task.title.to_string(), id),
        Key::Position => Position::Text(task.position.to_string(), id),
        Key::Match => Position::Offset(seen),
    }
}

/// A page of tasks.
pub async fn list(
    reader: &mut Reader,
    place: Place,
    wanted: &ListTasks,
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Task>> {
    let (key, descending) = order(wanted);
    let Some(words) = words(wanted) else {
        return Ok(Vec::new());
    };
    if key == Key::Match {
        return best_matches(reader, place, wanted, &words, after, limit).await;
    }
    if key != Key::Due {
        let mut sql = select(reader.dialect(), place, wanted, &words);
        keyset(&mut sql, reader.dialect(), key, descending, after, limit);
        return read(reader.fetch::<TaskRow>(sql).await?);
    }
    // tasks without a date come last in both directions: dated tasks first, then the rest, each by its own index
    let mut tasks = Vec::new();
    if !matches!(after, Some(Position::Void(_))) {
        let mut sql = select(reader.dialect(), place, wanted, &words);
        sql.push(" and t.due_at is not null");
        keyset(&mut sql, reader.dialect(), key, descending, after, limit);
        tasks = read(reader.fetch::<TaskRow>(sql).await?)?;
    }
    let rest = limit - tasks.len() as i64;
    if rest > 0 {
        tasks.extend(undated(reader, place, wanted, &words, after, rest).await?);
    }
    Ok(tasks)
}

/// How many tasks the filters let through.
pub async fn count(reader: &mut Reader, place: Place, wanted: &ListTasks) -> Result<u64> {
    if let Some(total) = counted(reader, place, wanted).await? {
        return Ok(total);
    }
    let Some(words) = words(wanted) else { return Ok(0) };
    let mut sql = Sql::new(&format!("select count(*) from {} t where ", table(wanted)));
    filter(&mut sql, reader.dialect(), place, wanted, &words);
    Ok(reader.get::<(i64,)>(sql).await?.0 as u64)
}

/// A workspace's tasks by status are counted already, however many they are.
async fn counted(reader: &mut Reader, place: Place, wanted: &ListTasks) -> Result<Option<u64>> {
    let Place::Workspace(workspace) = place else {
        return Ok(None);
    };
    let unfiltered = ListTasks {
        workspace_id: wanted.workspace_id,
        status: wanted.status,
        include_deleted: wanted.include_deleted,
        sort: wanted.sort,
        limit: wanted.limit,
        cursor: wanted.cursor.clone(),
        ..ListTasks::default()
    };
    if *wanted != unfiltered {
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

/// Where to look: what has an index of its own, or a workspace's tasks by creation.
fn table(wanted: &ListTasks) -> &'static str {
    let by_index = order(wanted).0 == Key::Due
        || wanted.q.is_some()
        || wanted.parent_id.is_some()
        || wanted.status == Some(Status::Deleted);
    if by_index { "tasks" } else { "tasks_by_workspace" }
}

fn select(dialect: Dialect, place: Place, wanted: &ListTasks, words: &[String]) -> Sql {
    let mut sql = Sql::new(&format!("select {COLUMNS} from {} t where ", table(wanted)));
    filter(&mut sql, dialect, place, wanted, words);
    sql
}

/// The tasks without a date, by id.
async fn undated(
    reader: &mut Reader,
    place: Place,
    wanted: &ListTasks,
    words: &[String],
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Task>> {
    let dialect = reader.dialect();
    let after = match after {
        Some(Position::Void(id)) => *id,
        _ => Uuid::nil(),
    };
    let narrow = |sql: &mut Sql| {
        conditions(sql, dialect, place, wanted, words);
        sql.push(" and t.due_at is null");
    };
    if let Place::Workspace(id) = place {
        return by_id(reader, id, after, limit, narrow).await;
    }
    let mut sql = Sql::new(&format!("select {COLUMNS} from tasks_by_workspace t where "));
    of(&mut sql, place);
    narrow(&mut sql);
    sql.push(" and t.id > ")
        .bind(after)
        .push(" order by t.id limit ")
        .bind(limit);
    read(reader.fetch::<TaskRow>(sql).await?)
}

fn filter(sql: &mut Sql, dialect: Dialect, place: Place, wanted: &ListTasks, words: &[String]) {
    of(sql, place);
    conditions(sql, dialect, place, wanted, words);
}

fn of(sql: &mut Sql, place: Place) {
    match place {
        Place::Workspace(id) => sql.push("t.workspace_id = ").bind(id.0),
        Place::OfUser(id) => sql
            .push("t.workspace_id in (select m.workspace_id from members m where m.user_id = ")
            .bind(id.0)
            .push(")"),
    };
}

fn conditions(sql: &mut Sql, dialect: Dialect, place: Place, wanted: &ListTasks, words: &[String]) {
    status(sql, wanted);
    dates(sql, wanted);
    if let Some(project) = wanted.project_id {
        sql.push(" and t.project_id = ").bind(project.0);
    }
    if let Some(parent) = wanted.parent_id {
        sql.push(" and t.parent_id = ").bind(parent.0);
    }
    if let Some(priority) = wanted.priority {
        sql.push(" and t.priority = ").bind(priority_code(priority));
    }
    if let Some(user) = wanted.assignee_id {
        sql.push(" and exists (select 1 from task_assignees a where a.user_id = ")
            .bind(user.0);
        sql.push(" and a.workspace_id = t.workspace_id and a.task_id = t.id)");
    }
    if let Some(tag) = &wanted.tag {
        sql.push(" and exists (select 1 from task_tags g where g.workspace_id = t.workspace_id and g.tag = ");
        sql.bind(tag.trim()).push(" and g.task_id = t.id)");
    }
    if !words.is_empty() {
        match dialect {
            Dialect::Sqlite => {
                sql.push(" and t.number in (select rowid from task_search where task_search match ");
                sql.bind(fts5(place, words)).push(")");
            }
            Dialect::Postgres => {
                sql.push(" and t.search @@ (")
                    .bind(tsquery(words))
                    .push("::tsquery)");
            }
        }
    }
}

fn status(sql: &mut Sql, wanted: &ListTasks) {
    let deleted_too = wanted.include_deleted.unwrap_or(false);
    match wanted.status {
        Some(Status::Deleted) => {
            sql.push(" and t.is_deleted = true");
        }
        Some(Status::Pending) => {
            sql.push(" and t.completed = false");
        }
        Some(Status::Completed) => {
            sql.push(" and t.completed = true");
        }
        Some(Status::All) | None => {}
    }
    if !deleted_too && !matches!(wanted.status, Some(Status::All | Status::Deleted)) {
        sql.push(" and t.is_deleted = false");
    }
}

fn dates(sql: &mut Sql, wanted: &ListTasks) {
    let bounds = [
        (" and t.created_at >= ", wanted.date_from),
        (" and t.created_at <= ", wanted.date_to),
        (" and t.due_at < ", wanted.due_before),
        (" and t.due_at > ", wanted.due_after),
    ];
    for (text, bound) in bounds {
        if let Some(time) = bound {
            sql.push(text).bind(time.0);
        }
    }
}

fn key_text(dialect: Dialect, key: Key) -> &'static str {
    match (key, dialect) {
        (Key::Created | Key::Match, _) => "t.created_at",
        (Key::Updated, _) => "t.updated_at",
        (Key::Due, _) => "t.due_at",
        (Key::Priority, _) => "t.priority",
        (Key::Title, Dialect::Sqlite) => "lower(t.title)",
        (Key::Title, Dialect::Postgres) => "(lower(t.title) collate \"C\")",
        (Key::Position, _) => "t.position",
    }
}

fn keyset(sql: &mut Sql, dialect: Dialect, key: Key, descending: bool, after: Option<&Position>, limit: i64) {
    let text = key_text(dialect, key);
    let value: Option<(Cell, Uuid)> = match after {
        Some(Position::Number(number, id)) => Some(((*number).into(), *id)),
        Some(Position::Text(value, id)) => Some((value.as_str().into(), *id)),
        _ => None,
    };
    if let Some((value, id)) = value {
        let beyond = if descending { "<" } else { ">" };
        sql.push(&format!(" and ({text}, t.id) {beyond} ("));
        if key == Key::Title {
            sql.push("lower(").bind(value).push(")")
        } else {
            sql.bind(value)
        };
        sql.push(", ").bind(id).push(")");
    }
    let direction = if descending { " desc" } else { "" };
    sql.push(&format!(" order by {text}{direction}, t.id{direction} limit "))
        .bind(limit);
}

async fn best_matches(
    reader: &mut Reader,
    place: Place,
    wanted: &ListTasks,
    words: &[String],
    after: Option<&Position>,
    limit: i64,
) -> Result<Vec<Task>> {
    let offset = if let Some(Position::Offset(offset)) = after {
        *offset
    } else {
        0
    };
    let mut sql;
    match reader.dialect() {
        Dialect::Sqlite => {
            sql = Sql::new(&format!(
                "select {COLUMNS} from task_search s join tasks t on t.number = s.rowid where task_search match "
            ));
            sql.bind(fts5(place, words)).push(" and ");
            filter(&mut sql, Dialect::Sqlite, place, wanted, &[]);
            sql.push(" order by s.rank, t.id desc limit ");
        }
        Dialect::Postgres => {
            sql = select(Dialect::Postgres, place, wanted, words);
            sql.push(" order by ts_rank_cd(t.search, ").bind(tsquery(words));
            sql.push("::tsquery) desc, t.id desc limit ");
        }
    }
    sql.bind(limit).push(" offset ").bind(offset);
    read(reader.fetch::<TaskRow>(sql).await?)
}

/// The words looked for; none without `q`. `None`: `q` has no word in it and matches nothing.
fn words(wanted: &ListTasks) -> Option<Vec<String>> {
    let Some(q) = &wanted.q else {
        return Some(Vec::new());
    };
    let words: Vec<String> = words::split(q).collect();
    (!words.is_empty()).then_some(words)
}

/// Every word, the last one as a beginning; the workspace is a word of the index too.
fn fts5(place: Place, words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let text = format!("{{title description tags}} : ({}*)", quoted.join(" AND "));
    match place {
        Place::Workspace(id) => format!("scope : \"{}\" AND {text}", id.0.simple()),
        Place::OfUser(_) => text,
    }
}

fn tsquery(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("{}:*", quoted.join(" & "))
}
