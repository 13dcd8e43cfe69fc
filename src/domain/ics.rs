//! Tasks as a calendar (RFC 5545): to-dos, or the days and times at which they are due. Writes one task at a time, so a
//! calendar of any length needs the memory of one. All texts are escaped, lines are folded. Does not know where the tasks
//! come from.

use chrono::{DateTime, Utc};
use taskwire_protocol::Timestamp;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::{Priority, Task};

/// The bytes of a line, at most (section 3.1).
const LINE: usize = 75;

/// What a task becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// A to-do: VTODO.
    Todo,
    /// What many calendar programs show, which know no to-dos: VEVENT. Only tasks with a date have one.
    Event,
}

/// What a calendar tells of a task beside its own fields.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// What its stage means.
    pub kind: StageKind,
    /// The name of its project.
    pub project: Option<&'a str>,
    /// Whether the calendar program reminds of it.
    pub reminds: bool,
}

/// Begins a calendar with this name. `hours`: how often a program should ask for it again.
pub fn begin(name: &str, hours: Option<u32>, text: &mut String) {
    put(text, "BEGIN", "VCALENDAR");
    put(text, "VERSION", "2.0");
    put(text, "PRODID", "-//Taskwire//Taskwire//EN");
    put(text, "CALSCALE", "GREGORIAN");
    // RFC 7986, and what programs read that are older
    put(text, "NAME", &escaped(name));
    put(text, "X-WR-CALNAME", &escaped(name));
    if let Some(hours) = hours {
        let pause = format!("PT{hours}H");
        put(text, "REFRESH-INTERVAL;VALUE=DURATION", &pause);
        put(text, "X-PUBLISHED-TTL", &pause);
    }
}

/// Ends a calendar. One without tasks gets a time zone, because a calendar must have a component.
pub fn end(is_empty: bool, text: &mut String) {
    if is_empty {
        for (name, value) in [
            ("BEGIN", "VTIMEZONE"),
            ("TZID", "Etc/UTC"),
            ("BEGIN", "STANDARD"),
            ("DTSTART", "19700101T000000"),
            ("TZOFFSETFROM", "+0000"),
            ("TZOFFSETTO", "+0000"),
            ("END", "STANDARD"),
            ("END", "VTIMEZONE"),
        ] {
            put(text, name, value);
        }
    }
    put(text, "END", "VCALENDAR");
}

/// Adds a task.
pub fn add(component: Component, task: &Task, about: About<'_>, text: &mut String) {
    let name = match component {
        Component::Todo => "VTODO",
        Component::Event => "VEVENT",
    };
    put(text, "BEGIN", name);
    put(text, "UID", &task.id.to_string());
    // without METHOD it tells when this was last changed (section 3.8.7.2), so equal tasks are equal texts
    put(text, "DTSTAMP", &moment(task.updated_at));
    put(text, "CREATED", &moment(task.created_at));
    put(text, "LAST-MODIFIED", &moment(task.updated_at));
    put(text, "SUMMARY", &escaped(&task.title));
    if let Some(description) = &task.description {
        put(text, "DESCRIPTION", &escaped(description));
    }
    if !task.tags.is_empty() {
        let tags: Vec<String> = task.tags.iter().map(|tag| escaped(tag)).collect();
        put(text, "CATEGORIES", &tags.join(","));
    }
    if let Some(priority) = priority(task.priority) {
        put(text, "PRIORITY", priority);
    }
    if let Some(parent) = task.parent_id {
        put(text, "RELATED-TO;RELTYPE=PARENT", &parent.to_string());
    }
    if let Some(project) = about.project {
        put(text, "X-TASKWIRE-PROJECT", &escaped(project));
    }
    put(text, "X-TASKWIRE-STAGE", &escaped(&task.stage));
    match component {
        Component::Todo => todo(task, about, text),
        Component::Event => event(task, text),
    }
    put(text, "END", name);
}

fn todo(task: &Task, about: About<'_>, text: &mut String) {
    let status = match (task.completed, about.kind) {
        (true, _) => "COMPLETED",
        (false, StageKind::Active) => "IN-PROCESS",
        (false, _) => "NEEDS-ACTION",
    };
    put(text, "STATUS", status);
    if let Some(at) = task.completed_at {
        put(text, "COMPLETED", &moment(at));
        put(text, "PERCENT-COMPLETE", "100");
    }
    if let Some(due) = task.due_at {
        // a rule repeats its start (section 3.8.5.3), and DUE must be later than that (section 3.8.2.3)
        let name = if task.recurrence.is_some() {
            "DTSTART"
        } else {
            "DUE"
        };
        date(text, name, task, due);
        repeats(task, text);
    }
    if let Some(at) = task.remind_at.filter(|_| about.reminds && !task.completed) {
        put(text, "BEGIN", "VALARM");
        put(text, "ACTION", "DISPLAY");
        put(text, "DESCRIPTION", &escaped(&task.title));
        put(text, "TRIGGER;VALUE=DATE-TIME", &moment(at));
        put(text, "END", "VALARM");
    }
}

fn event(task: &Task, text: &mut String) {
    if let Some(due) = task.due_at {
        date(text, "DTSTART", task, due);
        repeats(task, text);
    }
    // being due keeps nobody busy
    put(text, "TRANSP", "TRANSPARENT");
}

/// A day, or a moment.
fn date(text: &mut String, name: &str, task: &Task, at: Timestamp) {
    if task.all_day {
        put(text, &format!("{name};VALUE=DATE"), &format(at, "%Y%m%d"));
    } else {
        put(text, name, &moment(at));
    }
}

/// The rule, as its start demands it: that of a day has no times, that of a moment ends at one (section 3.3.10).
fn repeats(task: &Task, text: &mut String) {
    let Some(rule) = &task.recurrence else { return };
    let rule = rule.to_ascii_uppercase();
    let parts = rule.strip_prefix("RRULE:").unwrap_or(&rule).split(';');
    let parts = parts.filter_map(|part| match part.split_once('=') {
        Some(("BYHOUR" | "BYMINUTE" | "BYSECOND", _)) if task.all_day => None,
        Some(("UNTIL", until)) => {
            let day = until.split('T').next().unwrap_or_default();
            Some(match (task.all_day, until.contains('T')) {
                (true, _) => format!("UNTIL={day}"),
                (false, true) => format!("UNTIL={}Z", until.trim_end_matches('Z')),
                (false, false) => format!("UNTIL={day}T235959Z"),
            })
        }
        _ => Some(part.to_owned()),
    });
    put(text, "RRULE", &parts.collect::<Vec<_>>().join(";"));
}

/// The levels of section 3.8.1.9: 1 is the highest.
fn priority(priority: Priority) -> Option<&'static str> {
    match priority {
        Priority::None => None,
        Priority::Low => Some("9"),
        Priority::Medium => Some("5"),
        Priority::High => Some("3"),
        Priority::Urgent => Some("1"),
    }
}

fn moment(at: Timestamp) -> String {
    format(at, "%Y%m%dT%H%M%SZ")
}

fn format(at: Timestamp, pattern: &str) -> String {
    let moment: DateTime<Utc> = DateTime::from_timestamp_millis(at.0).unwrap_or_default();
    moment.format(pattern).to_string()
}

/// A text (section 3.3.11). It begins no line of its own: line breaks are written as `\n`, other control characters are
/// left out.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' | ';' | ',' => escaped.extend(['\\', char]),
            '\r' if chars.peek() == Some(&'\n') => {}
            // the last two are line breaks to readers that split lines by Unicode's rules
            '\r' | '\n' | '\u{2028}' | '\u{2029}' => escaped.push_str("\\n"),
            '\t' => escaped.push(char),
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// A line, folded into lines of 75 bytes at most. No character is cut.
fn put(text: &mut String, name: &str, value: &str) {
    let mut room = LINE;
    for char in name.chars().chain([':']).chain(value.chars()) {
        if char.len_utf8() > room {
            text.push_str("\r\n ");
            room = LINE - 1;
        }
        text.push(char);
        room -= char.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests;
