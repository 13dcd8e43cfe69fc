//! What people and programs read: lines with colours where they are wanted, or JSON. What others wrote cannot
//! command the terminal.

use crate::{clock, fault::Fault};
use anstyle::{AnsiColor, Style};
use chrono::{DateTime, Local, Utc};
use serde::Serialize;
use std::io::Write as _;
use taskwire_client::protocol::{
    Timestamp,
    task::{Priority, Task},
};
use uuid::Uuid;

const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Where a command's result goes.
pub(crate) struct Output {
    pub(crate) json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// One JSON value on a line, as soon as it is there.
    #[allow(clippy::unused_self)] // so that every way out is one of this type's
    pub(crate) fn value(&self, value: &impl Serialize) -> Result<(), Fault> {
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, value)?;
        out.write_all(b"\n")?;
        out.flush()?;
        Ok(())
    }

    /// One line; colours go where standard output takes none.
    #[allow(clippy::unused_self)]
    pub(crate) fn line(&self, text: &str) -> Result<(), Fault> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// A task after it was changed.
    pub(crate) fn task(&self, task: &Task) -> Result<(), Fault> {
        if self.json {
            self.value(task)
        } else {
            self.line(&row(task))
        }
    }

    /// Several tasks.
    pub(crate) fn tasks(&self, tasks: &[Task]) -> Result<(), Fault> {
        if self.json {
            return self.value(&tasks);
        }
        tasks.iter().try_for_each(|task| self.line(&row(task)))
    }
}

/// A line for the person, beside the result. That nobody can read it is no error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// The end of an id, enough to name it: ids begin with the time, so that neighbours share their beginning.
pub(crate) fn short(id: impl Into<Uuid>) -> String {
    let text = id.into().simple().to_string();
    text.chars().skip(24).collect()
}

/// A task on one line.
pub(crate) fn row(task: &Task) -> String {
    let mark = match (task.is_deleted, task.completed) {
        (true, _) => "[-]",
        (false, true) => "[x]",
        (false, false) => "[ ]",
    };
    let title = if task.completed || task.is_deleted {
        format!("{DIM}{}{DIM:#}", plain(&task.title))
    } else {
        plain(&task.title)
    };
    let mut parts = vec![format!("{DIM}{}{DIM:#}  {mark} {title}", short(task.id))];
    parts.extend(priority(task.priority));
    parts.extend(
        task.tags
            .iter()
            .map(|tag| format!("{CYAN}#{}{CYAN:#}", plain(tag))),
    );
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

/// All of a task.
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
    if let Some(priority) = priority(task.priority) {
        field("priority", priority);
    }
    if let Some(due) = task.due_at {
        field("due", day_or_moment(due, task.all_day));
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

fn priority(priority: Priority) -> Option<String> {
    Some(match priority {
        Priority::None => return None,
        Priority::Low => format!("{DIM}low{DIM:#}"),
        Priority::Medium => "medium".to_owned(),
        Priority::High => format!("{YELLOW}high{YELLOW:#}"),
        Priority::Urgent => format!("{RED}urgent{RED:#}"),
    })
}

/// A moment as the clock on the wall shows it.
pub(crate) fn moment(at: Timestamp) -> String {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    utc.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A day is the same everywhere, so it is read in UTC, as it was written.
fn day_or_moment(at: Timestamp, all_day: bool) -> String {
    let utc = DateTime::<Utc>::from_timestamp_millis(at.0).unwrap_or_default();
    if all_day {
        return utc.format("%Y-%m-%d").to_string();
    }
    utc.with_timezone(&Local).format("%Y-%m-%d %H:%M").to_string()
}

fn is_past(due: Timestamp, all_day: bool) -> bool {
    if all_day {
        let day = DateTime::<Utc>::from_timestamp_millis(due.0).map(|due| due.date_naive());
        return day.is_some_and(|day| day < clock::now().date_naive());
    }
    due.0 < clock::now_ms()
}

/// Text of others on one line: control characters, which could move the cursor, change colours or write to the
/// clipboard, and those that turn the direction of writing, are shown as a replacement.
pub(crate) fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_cannot_command_the_terminal() {
        assert_eq!(
            plain("a\u{1b}[2Jb\nc\u{202e}d"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d"
        );
    }

    #[test]
    fn ids_are_shown_by_their_end() {
        let id = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_89ab_cdef);
        assert_eq!(short(id), "89abcdef");
    }
}
