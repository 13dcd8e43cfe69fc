//! What orders a list of tasks, where a page of it ended, and the condition that begins the next page there.

use super::matches::Rank;
use crate::store::bind::Cell;
use crate::store::link::Dialect;
use crate::store::sql::Sql;
use crate::store::tasks::priority_code;
use crate::unicode::title_key;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use taskwire_protocol::task::{ListTasks, Sort, Task};
use uuid::Uuid;

/// Where a page ended. It is opaque on the wire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum PageEnd {
    /// After this number and id.
    #[serde(rename = "n")]
    Number(i64, Uuid),
    /// After this text and id.
    #[serde(rename = "t")]
    Text(String, Uuid),
    /// After this id, among the tasks without a value.
    #[serde(rename = "v")]
    Void(Uuid),
    /// After this one, among what a search found.
    #[serde(rename = "r")]
    Rank(Rank),
}

impl PageEnd {
    /// Which of two tasks of one list comes first.
    pub(super) fn compare(&self, other: &PageEnd, descending: bool) -> Ordering {
        let upwards = match (self, other) {
            (PageEnd::Void(one), PageEnd::Void(other)) => return one.cmp(other),
            (PageEnd::Void(_), _) => return Ordering::Greater,
            (_, PageEnd::Void(_)) => return Ordering::Less,
            (PageEnd::Number(one, id), PageEnd::Number(other, other_id)) => (one, id).cmp(&(other, other_id)),
            (PageEnd::Text(one, id), PageEnd::Text(other, other_id)) => (one, id).cmp(&(other, other_id)),
            _ => Ordering::Equal,
        };
        if descending { upwards.reverse() } else { upwards }
    }
}

/// What orders a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Created,
    Updated,
    Due,
    Priority,
    Title,
    Position,
    Match,
}

pub(super) fn order(wanted: &ListTasks) -> (Key, bool) {
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

/// Whether a page of a list with this order can end at such a position.
pub fn fits(wanted: &ListTasks, position: &PageEnd) -> bool {
    matches!(
        (order(wanted).0, position),
        (Key::Match, PageEnd::Rank(_))
            | (Key::Due, PageEnd::Number(..) | PageEnd::Void(_))
            | (Key::Created | Key::Updated | Key::Priority, PageEnd::Number(..))
            | (Key::Title | Key::Position, PageEnd::Text(..))
    )
}

/// The end of a page whose last task is `task`. What a search found is ordered by ranks, which `matches` knows.
pub fn page_end(wanted: &ListTasks, task: &Task) -> PageEnd {
    let id = task.id.0;
    match order(wanted).0 {
        Key::Created => PageEnd::Number(task.created_at.0, id),
        Key::Updated => PageEnd::Number(task.updated_at.0, id),
        Key::Due => task
            .due_at
            .map_or(PageEnd::Void(id), |due| PageEnd::Number(due.0, id)),
        Key::Priority => PageEnd::Number(priority_code(task.priority), id),
        Key::Title => PageEnd::Text(title_key(&task.title), id),
        Key::Position => PageEnd::Text(task.position.to_string(), id),
        Key::Match => PageEnd::Void(id),
    }
}

fn key_text(dialect: Dialect, key: Key) -> &'static str {
    match (key, dialect) {
        (Key::Created | Key::Match, _) => "t.created_at",
        (Key::Updated, _) => "t.updated_at",
        (Key::Due, _) => "t.due_at",
        (Key::Priority, _) => "t.priority",
        // a task without a key was made after the list was asked for
        (Key::Title, Dialect::Sqlite) => {
            "coalesce((select k.title_key from task_titles k where k.number = t.number), '')"
        }
        (Key::Title, Dialect::Postgres) => "coalesce(t.title_key, '')",
        (Key::Position, _) => "t.position",
    }
}

pub(super) fn keyset(
    sql: &mut Sql,
    dialect: Dialect,
    key: Key,
    descending: bool,
    after: Option<&PageEnd>,
    limit: i64,
) {
    let text = key_text(dialect, key);
    let value: Option<(Cell, Uuid)> = match after {
        Some(PageEnd::Number(number, id)) => Some(((*number).into(), *id)),
        Some(PageEnd::Text(value, id)) => Some((value.as_str().into(), *id)),
        _ => None,
    };
    if let Some((value, id)) = value {
        let beyond = if descending { "<" } else { ">" };
        sql.push(&format!(" and ({text}, t.id) {beyond} ("));
        sql.bind(value).push(", ").bind(id).push(")");
    }
    let direction = if descending { " desc" } else { "" };
    sql.push(&format!(" order by {text}{direction}, t.id{direction}"))
        .limit(limit);
}
