//! Tasks, ids and times as text for people.

use crate::{
    clock, every,
    names::Names,
    table::{self, Cell, Row},
    terminal::plain,
};
use anstyle::{AnsiColor, Style};
use jiff::{
    SignedDuration, Zoned,
    civil::{Date, date},
    tz::TimeZone,
};
use taskwire_client::protocol::{
    Timestamp, UserId,
    stage::{FIRST_DONE, FIRST_OPEN},
    task::{Priority, Task},
};
use uuid::Uuid;

pub(crate) const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
/// What a search found.
pub(crate) const MARK: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();

/// The end of an id, which is enough to identify it. Ids begin with the time, so tasks of one moment begin alike.
pub(crate) fn short(id: impl Into<Uuid>) -> String {
    let text = id.into().simple().to_string();
    text.chars().skip(24).collect()
}

/// The column of the titles in the rows of tasks.
pub(crate) const TITLE: usize = 1;

/// A task on one line.
pub(crate) fn line(task: &Task) -> String {
    table::line(&row(task, &Names::default()))
}

/// A task as a row, with these names of people and workspaces.
pub(crate) fn row(task: &Task, names: &Names) -> Row {
    row_titled(task, [(Style::new(), &*task.title)], names)
}

/// A task as a row, its title as it is given.
pub(crate) fn row_titled<'t>(
    task: &Task,
    title: impl IntoIterator<Item = (Style, &'t str)>,
    names: &Names,
) -> Row {
    let mark = match (task.is_deleted, task.completed) {
        (true, _) => "[-] ",
        (false, true) => "[x] ",
        (false, false) => "[ ] ",
    };
    let is_over = task.completed || task.is_deleted;
    let title = title.into_iter().map(|(style, text)| match style {
        style if is_over && style.is_plain() => (DIM, text),
        style => (style, text),
    });
    let title = title.fold(Cell::from(mark), |cell, (style, text)| cell.and(style, text));
    let tags = task.tags.iter().map(|tag| (CYAN, format!("#{tag}")));
    let stage = if is_plain_stage(task) { "" } else { &*task.stage };
    let people = task.assignee_ids.iter().filter_map(|id| names.username(*id));
    let workspace = names.workspace(task.workspace_id).unwrap_or_default();
    vec![
        Cell::styled(DIM, &short(task.id)),
        title,
        priority(task.priority),
        Cell::words(tags),
        Cell::styled(DIM, stage),
        due(task),
        Cell::styled(DIM, &repeats(task)),
        Cell::words(people.map(|name| (DIM, name))),
        Cell::styled(DIM, workspace),
    ]
}

/// How often a task repeats, as short as possible.
fn repeats(task: &Task) -> String {
    let rule = task.recurrence.as_deref();
    rule.map_or_else(String::new, |rule| {
        every::words(rule).unwrap_or_else(|| "repeats".to_owned())
    })
}

fn due(task: &Task) -> Cell {
    let Some(due) = task.due_at else {
        return Cell::default();
    };
    let open = !task.completed && !task.is_deleted;
    let style = if open && is_past(due, task.all_day) {
        RED
    } else {
        Style::new()
    };
    Cell::styled(style, &format!("due {}", day_or_moment(due, task.all_day)))
}

/// What a task's own fields name by ids only, in words.
pub(crate) struct Around {
    pub(crate) names: Names,
    pub(crate) project: Option<String>,
    /// The title of the task that it is a part of.
    pub(crate) parent: Option<String>,
}

/// A task with all its fields.
pub(crate) fn sheet(task: &Task, around: &Around) -> String {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", plain(&task.title))];
    let mut field = |name: &str, value: String| lines.push(format!("{DIM}{name:<11}{DIM:#} {value}"));
    field("id", task.id.to_string());
    let workspace = around.names.workspace(task.workspace_id);
    field(
        "workspace",
        workspace.map_or_else(|| task.workspace_id.to_string(), plain),
    );
    if let Some(id) = task.project_id {
        let name = around.project.as_deref();
        field("project", name.map_or_else(|| id.to_string(), plain));
    }
    if let Some(id) = task.parent_id {
        let title = around.parent.as_deref().unwrap_or_default();
        field(
            "part of",
            format!("{}  {}", short(id), plain(title)).trim_end().to_owned(),
        );
    }
    let state = match (task.is_deleted, task.completed) {
        (true, _) => task.deleted_at.map(|at| format!("deleted {}", moment(at))),
        (false, true) => task.completed_at.map(|at| format!("completed {}", moment(at))),
        (false, false) => None,
    };
    field("state", state.unwrap_or_else(|| "pending".to_owned()));
    if !task.stage.is_empty() {
        field("stage", plain(&task.stage));
    }
    if !task.blocked_by.is_empty() {
        let ids: Vec<String> = task.blocked_by.iter().map(|id| short(*id)).collect();
        field("blocked by", ids.join(", "));
    }
    if task.priority != Priority::None {
        field("priority", table::line(&[priority(task.priority)]));
    }
    if let Some(due) = task.due_at {
        field("due", day_or_moment(due, task.all_day));
    }
    if let Some(at) = task.remind_at {
        field("reminder", day_or_moment(at, false));
    }
    if let Some(rule) = &task.recurrence {
        field("repeats", every::words(rule).unwrap_or_else(|| plain(rule)));
    }
    if !task.tags.is_empty() {
        let tags: Vec<String> = task.tags.iter().map(|tag| plain(tag)).collect();
        field("tags", tags.join(", "));
    }
    let person = |id: UserId| around.names.username(id).unwrap_or_else(|| id.to_string());
    if !task.assignee_ids.is_empty() {
        let people: Vec<String> = task.assignee_ids.iter().map(|id| person(*id)).collect();
        field("assigned to", people.join(", "));
    }
    field(
        "created",
        format!("{} by {}", moment(task.created_at), person(task.created_by)),
    );
    field(
        "updated",
        format!("{} (version {})", moment(task.updated_at), task.version),
    );
    if let Some(description) = &task.description {
        lines.push(String::new());
        lines.extend(description.lines().map(plain));
    }
    lines.join("\n")
}

/// Whether the mark in front of a task tells its stage: it is in the standard one for tasks that are not begun, or for
/// completed ones.
fn is_plain_stage(task: &Task) -> bool {
    let standard = if task.completed { FIRST_DONE } else { FIRST_OPEN };
    task.stage.is_empty() || *task.stage == *standard
}

fn priority(priority: Priority) -> Cell {
    let name = priority.name();
    match priority {
        Priority::None => Cell::default(),
        Priority::Low => Cell::styled(DIM, name),
        Priority::Medium => name.into(),
        Priority::High => Cell::styled(YELLOW, name),
        Priority::Urgent => Cell::styled(RED, name),
    }
}

/// A time in the person's time zone.
pub(crate) fn moment(at: Timestamp) -> String {
    local(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time of today; of another day with its date.
pub(crate) fn time_of_day(at: Timestamp) -> String {
    let at = local(at);
    let format = if at.date() == clock::now().date() {
        "%H:%M"
    } else {
        "%Y-%m-%d %H:%M"
    };
    at.strftime(format).to_string()
}

/// A whole day is the same date everywhere: it is stored, and shown, in UTC.
pub(crate) fn day_or_moment(at: Timestamp, all_day: bool) -> String {
    if all_day {
        return day(at).to_string();
    }
    local(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Whether a date is over in the person's time zone.
pub(crate) fn is_past(due: Timestamp, all_day: bool) -> bool {
    if all_day {
        return day(due) < clock::now().date();
    }
    due.0 < clock::now_ms()
}

/// The last day of the year 9999 is not a moment for `jiff`; it is shown as the last moment that is one.
fn local(at: Timestamp) -> Zoned {
    let at = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    at.to_zoned(TimeZone::system())
}

/// The day in UTC.
fn day(at: Timestamp) -> Date {
    date(1970, 1, 1).saturating_add(SignedDuration::from_millis(at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_by_their_end() {
        let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_89ab_cdef);
        assert_eq!(short(id), "89abcdef");
    }

    #[test]
    fn the_first_and_the_last_day_are_shown() {
        for text in ["1970-01-01", "2028-02-29", "9999-12-31"] {
            let at = Timestamp::parse(&format!("{text}T00:00:00Z")).unwrap_or_default();
            assert_eq!(day_or_moment(at, true), text);
        }
    }
}
