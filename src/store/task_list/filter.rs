//! The SQL conditions for a list's filters. Lists of ids, and the tasks of one person, have a different text for each
//! database.

use super::Scope;
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::tasks::{is_in_stage, priority_code};
use crate::unicode::{Term, name_key, terms};
use taskwire_protocol::task::{ListTasks, Status};
use taskwire_protocol::{UserId, WorkspaceId};
use uuid::Uuid;

/// Few tasks are blocked by others, so most rows tell by themselves. The others cost a search for each of their blockers, 20
/// at most. A count, because PostgreSQL might read all blockers of all workspaces to tell what exists.
const READY: &str = " and t.completed = false and t.is_deleted = false and (t.blocked_by is null or 0 = (
    select count(*) from task_blocks b join tasks k on k.id = b.blocker_id
    where b.task_id = t.id and k.completed = false and k.is_deleted = false))";

pub(super) fn filter(sql: &mut Sql, dialect: Dialect, scope: Scope<'_>, wanted: &ListTasks, words: &Words) {
    within(sql, scope, wanted);
    conditions(sql, dialect, scope, wanted, words);
}

/// The tasks of a list's scope. Where they are one person's in one workspace, the table of assignees knows the workspace; told
/// so twice, SQLite would rather look through all dated or deleted tasks there.
pub(super) fn within(sql: &mut Sql, scope: Scope<'_>, wanted: &ListTasks) {
    if matches!(scope, Scope::Workspace(_)) && wanted.assignee_id.is_some() {
        sql.push("true");
    } else {
        of(sql, scope);
    }
}

/// The tasks of a scope.
pub(in crate::store) fn of(sql: &mut Sql, scope: Scope<'_>) {
    match scope {
        Scope::Workspace(id) => sql.push("t.workspace_id = ").bind(id.0),
        Scope::OfUser(id) => of_user(sql, id, None),
        Scope::Among(id, only) => of_user(sql, id, Some(only)),
    };
}

fn of_user<'s>(sql: &'s mut Sql, user: UserId, only: Option<&[WorkspaceId]>) -> &'s mut Sql {
    sql.push("t.workspace_id in (select m.workspace_id from members m where m.user_id = ")
        .bind(user.0)
        .among("m.workspace_id", only)
        .push(")")
}

pub(super) fn conditions(
    sql: &mut Sql,
    dialect: Dialect,
    scope: Scope<'_>,
    wanted: &ListTasks,
    words: &Words,
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
    if let Some(stage) = &wanted.stage {
        is_in_stage(sql.push(" and "), &[stage.as_str()]);
    }
    if wanted.ready == Some(true) {
        sql.push(READY);
    }
    if let Some(user) = wanted.assignee_id {
        assigned(sql, dialect, scope, user);
    }
    if let Some(tag) = &wanted.tag {
        sql.push(" and exists (select 1 from task_tags g where g.workspace_id = t.workspace_id and g.tag = ");
        sql.bind(name_key(tag.trim())).push(" and g.task_id = t.id)");
    }
    if let Some(ids) = &words.0 {
        sql.push(" and ");
        one_of(sql, dialect, "t.id", ids);
    }
}

/// Whether a list leaves out tasks that are not deleted, or has none but deleted ones.
pub(super) fn narrows(wanted: &ListTasks) -> bool {
    let everything = ListTasks {
        workspace_id: wanted.workspace_id,
        q: wanted.q.clone(),
        status: wanted.status.filter(|status| *status == Status::All),
        include_deleted: wanted.include_deleted,
        sort: wanted.sort,
        limit: wanted.limit,
        cursor: wanted.cursor.clone(),
        ..ListTasks::default()
    };
    *wanted != everything
}

/// Appends a query for the ids of about the newest tasks with what one of a list's filters names, at most `most`. Returns
/// whether there is a filter for which an index has them in that order; otherwise nothing is appended.
pub(super) fn newest_by_index(sql: &mut Sql, scope: Scope<'_>, wanted: &ListTasks, most: i64) -> bool {
    let of_one = match scope {
        Scope::Workspace(id) => Some(id),
        Scope::OfUser(_) | Scope::Among(..) => None,
    };
    if let Some(parent) = wanted.parent_id {
        sql.push("select b.id from tasks b where b.parent_id = ")
            .bind(parent.0);
        sql.push(" order by b.id desc");
    } else if let Some(project) = wanted.project_id {
        sql.push("select b.id from tasks b where b.project_id = ")
            .bind(project.0);
        sql.push(" order by b.id desc");
    } else if let Some(user) = wanted.assignee_id {
        sql.push("select a.task_id as id from task_assignees a where a.user_id = ")
            .bind(user.0);
        if let Some(workspace) = of_one {
            sql.push(" and a.workspace_id = ").bind(workspace.0);
        }
        sql.push(" order by a.task_id desc");
    } else if let (Some(tag), Some(workspace)) = (&wanted.tag, of_one) {
        sql.push("select g.task_id as id from task_tags g where g.workspace_id = ");
        sql.bind(workspace.0)
            .push(" and g.tag = ")
            .bind(name_key(tag.trim()));
        sql.push(" order by g.task_id desc");
    } else if let (Some(Status::Deleted), Some(workspace)) = (wanted.status, of_one) {
        sql.push("select d.id from tasks d where d.is_deleted = true and d.workspace_id = ");
        sql.bind(workspace.0)
            .push(" order by d.created_at desc, d.id desc");
    } else {
        return false;
    }
    sql.limit(most);
    true
}

/// What a search in a list found; `None` without a search.
pub struct Words(pub(super) Option<Vec<Uuid>>);

impl Words {
    /// For a list that is not searched.
    pub const NONE: Words = Words(None);
}

/// The columns of the tasks with these ids, in no order.
pub(super) fn these(dialect: Dialect, columns: &str, ids: &[Uuid]) -> Sql {
    let mut sql = Sql::new(&format!("select {columns} from tasks t where "));
    one_of(&mut sql, dialect, "t.id", ids);
    sql
}

/// The condition that a column has one of these ids, however many they are: they are one parameter. SQLite looks through all
/// parameters for the place of each.
pub(super) fn one_of(sql: &mut Sql, dialect: Dialect, column: &str, ids: &[Uuid]) {
    let texts: Vec<String> = match dialect {
        Dialect::Sqlite => ids.iter().map(|id| format!("\"{}\"", id.simple())).collect(),
        Dialect::Postgres => ids.iter().map(ToString::to_string).collect(),
    };
    let texts = texts.join(",");
    match dialect {
        Dialect::Sqlite => {
            sql.push(column)
                .push(" in (select unhex(value) from json_each(")
                .bind(format!("[{texts}]"))
                .push("))");
        }
        Dialect::Postgres => {
            // a query of its own is read once; the text itself might be for every row
            sql.push(column)
                .push(" = any(array(select unnest(")
                .bind(format!("{{{texts}}}"))
                .push("::text::uuid[])))");
        }
    }
}

/// The tasks of one person, which the table of assignees has together: they are found first, and everything else about them
/// is looked at afterwards. PostgreSQL does so only if it gets them as an array: otherwise it may read all tasks in the order
/// of the list, and hope for a match soon.
fn assigned(sql: &mut Sql, dialect: Dialect, scope: Scope<'_>, user: UserId) {
    let (begin, end) = match dialect {
        Dialect::Sqlite => (" and t.id in (", ")"),
        Dialect::Postgres => (" and t.id = any(array(", "))"),
    };
    sql.push(begin)
        .push("select a.task_id from task_assignees a where a.user_id = ")
        .bind(user.0);
    if let Scope::Workspace(id) = scope {
        sql.push(" and a.workspace_id = ").bind(id.0);
    }
    sql.push(end);
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

/// What `q` looks for: nothing without `q`, and `None` if it contains no word and so matches nothing.
pub fn looked_for(q: Option<&str>) -> Option<Vec<Term>> {
    /// The words of a search that count.
    const MOST: usize = 16;
    let Some(q) = q else { return Some(Vec::new()) };
    let mut terms = terms(q);
    // twice the same asks for no more
    let mut seen = Vec::new();
    terms.retain(|term| {
        let is_new = !seen.contains(term);
        seen.push(term.clone());
        is_new
    });
    terms.truncate(MOST);
    (!terms.is_empty()).then_some(terms)
}
