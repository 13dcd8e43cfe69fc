//! The SQL conditions for a list's filters. Only full-text search has a different text for each database.

use super::Scope;
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::tasks::priority_code;
use crate::store::words;
use taskwire_protocol::task::{ListTasks, Status};

pub(super) fn filter(sql: &mut Sql, dialect: Dialect, scope: Scope, wanted: &ListTasks, words: &[String]) {
    of(sql, scope);
    conditions(sql, dialect, scope, wanted, words);
}

pub(super) fn of(sql: &mut Sql, scope: Scope) {
    match scope {
        Scope::Workspace(id) => sql.push("t.workspace_id = ").bind(id.0),
        Scope::OfUser(id) => sql
            .push("t.workspace_id in (select m.workspace_id from members m where m.user_id = ")
            .bind(id.0)
            .push(")"),
    };
}

pub(super) fn conditions(
    sql: &mut Sql,
    dialect: Dialect,
    scope: Scope,
    wanted: &ListTasks,
    words: &[String],
) {
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
                sql.bind(fts5(scope, words)).push(")");
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

/// The words of `q`. Without `q`, there are none. `None` if `q` contains no word: then it matches no task.
pub(super) fn words(wanted: &ListTasks) -> Option<Vec<String>> {
    let Some(q) = &wanted.q else {
        return Some(Vec::new());
    };
    let words: Vec<String> = words::split(q).collect();
    (!words.is_empty()).then_some(words)
}

/// SQLite's query: it requires every word, the last one as a prefix. The workspace is a word of the index too.
pub(super) fn fts5(scope: Scope, words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let text = format!("{{title description tags}} : ({}*)", quoted.join(" AND "));
    match scope {
        Scope::Workspace(id) => format!("scope : \"{}\" AND {text}", id.0.simple()),
        Scope::OfUser(_) => text,
    }
}

/// PostgreSQL's query: it requires every word, the last one as a prefix.
pub(super) fn tsquery(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    format!("{}:*", quoted.join(" & "))
}
