//! Tasks, ids and times as text for people.

use crate::{clock, terminal::plain};
use anstyle::{AnsiColor, Style};
use jiff::{
    SignedDuration, Zoned,
    civil::{Date, date},
    tz::TimeZone,
};
use taskwire_client::protocol::{
    Timestamp,
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

/// A task on one line.
pub(crate) fn row(task: &Task) -> String {
    row_titled(task, &plain(&task.title))
}

/// A task on one line, its title as it is given.
pub(crate) fn row_titled(task: &Task, title: &str) -> String {
    let mark = match (task.is_deleted, task.completed) {
        (true, _) => "[-]",
        (false, true) => "[x]",
        (false, false) => "[ ]",
    };
    let title = if task.completed || task.is_deleted {
        format!("{DIM}{title}{DIM:#}")
    } else {
        title.to_owned()
    };
    let mut parts = vec![format!("{DIM}{}{DIM:#}  {mark} {title}", short(task.id))];
    parts.extend(priority(task.priority));
    parts.extend(
        task.tags
            .iter()
            .map(|tag| format!("{CYAN}#{}{CYAN:#}", plain(tag))),
    );
    if !is_plain_stage(task) {
        parts.push(format!("{DIM}{}{DIM:#}", plain(&task.stage)));
    }
    if let Some(due) = task.due_at {
        let open = !task.completed && !task.is_deleted;
        let style = if open && is_past(due, task.all_day) {
            RED
        } else {
            Style::new()
        };
        let due = day_or_moment(due, task.all_day);
        parts.push(format!("{style}due {due}{style:#}"));
    }
    parts.join("  ")
}

/// A task with all its fields.
pub(crate) fn sheet(task: &Task) -> String {
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", plain(&task.title))];
    let mut field = |name: &str, value: String| lines.push(format!("{DIM}{name:<11}{DIM:#} {value}"));
    field("id", task.id.to_string());
    field("workspace", task.workspace_id.to_string());
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
    if let Some(priority) = priority(task.priority) {
        field("priority", priority);
    }
    if let Some(due) = task.due_at {
        field("due", day_or_moment(due, task.all_day));
    }
    if let Some(at) = task.remind_at {
        field("reminder", day_or_moment(at, false));
    }
    if let Some(rule) = &task.recurrence {
        field("repeats", plain(rule));
    }
    if !task.tags.is_empty() {
        let tags: Vec<String> = task.tags.iter().map(|tag| plain(tag)).collect();
        field("tags", tags.join(", "));
    }
    if !task.assignee_ids.is_empty() {
        let ids: Vec<String> = task.assignee_ids.iter().map(ToString::to_string).collect();
        field("assigned to", ids.join(", "));
    }
    field("created", moment(task.created_at));
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

fn priority(priority: Priority) -> Option<String> {
    Some(match priority {
        Priority::None => return None,
        Priority::Low => format!("{DIM}low{DIM:#}"),
        Priority::Medium => "medium".to_owned(),
        Priority::High => format!("{YELLOW}high{YELLOW:#}"),
        Priority::Urgent => format!("{RED}urgent{RED:#}"),
    })
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
