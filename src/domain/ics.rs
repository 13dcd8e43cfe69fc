//! Tasks as a calendar (RFC 5545): to-dos, or the days and times at which they are due. Writes one task at a time, so a
//! calendar of any length needs the memory of one, and the names of its time zones. Does not know where the tasks come from.
//!
//! - `lines`   texts that are escaped, times, and lines that are folded
//! - `series`  where a task that repeats starts, and its rule
//! - `zones`   time zones

mod lines;
mod series;
mod zones;

use chrono_tz::Tz;
use lines::{day, escaped, moment, put};
use series::Series;
use std::collections::HashSet;
use taskwire_protocol::Timestamp;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::{Priority, Task};

pub use series::Standing;

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
    /// Where it stands in its series. Without it, it is one task that does not repeat.
    pub standing: Option<Standing>,
}

/// When a component is.
#[derive(Clone, Copy)]
enum When<'a> {
    /// Without a date, or at the task's.
    Once,
    /// At the dates of a series.
    Series(&'a Series),
    /// At the task's date, in place of the first one of a series.
    Instead(&'a Series),
}

/// A calendar that is being written.
#[derive(Debug)]
pub struct Calendar {
    component: Component,
    is_empty: bool,
    /// Those that it describes already.
    zones: HashSet<Tz>,
}

impl Calendar {
    /// Begins a calendar with this name. `hours`: how often a program should ask for it again.
    pub fn begin(component: Component, name: &str, hours: Option<u32>, text: &mut String) -> Calendar {
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
        Calendar {
            component,
            is_empty: true,
            zones: HashSet::new(),
        }
    }

    /// Adds a task, after the time zone that it is the first to need.
    pub fn add(&mut self, task: &Task, about: About<'_>, text: &mut String) {
        self.is_empty = false;
        let standing = about.standing;
        let Some(series) = standing.and_then(|standing| Series::of(task, standing)) else {
            return add(self.component, task, about, When::Once, text);
        };
        if let Some(zone) = series.zone().filter(|zone| self.zones.insert(*zone)) {
            zones::add(zone, text);
        }
        add(self.component, task, about, When::Series(&series), text);
        if series.is_moved {
            add(self.component, task, about, When::Instead(&series), text);
        }
    }

    /// Ends the calendar. One without tasks gets a time zone, because a calendar must have a component.
    pub fn end(self, text: &mut String) {
        if self.is_empty {
            zones::add(Tz::Etc__UTC, text);
        }
        put(text, "END", "VCALENDAR");
    }
}

fn add(component: Component, task: &Task, about: About<'_>, when: When<'_>, text: &mut String) {
    let name = match component {
        Component::Todo => "VTODO",
        Component::Event => "VEVENT",
    };
    put(text, "BEGIN", name);
    put(text, "UID", &task.id.to_string());
    // without METHOD it tells when this was last changed (section 3.8.7.2), so equal tasks are equal texts
    put(text, "DTSTAMP", &moment(task.updated_at.0));
    put(text, "CREATED", &moment(task.created_at.0));
    put(text, "LAST-MODIFIED", &moment(task.updated_at.0));
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
    dates(component, task, when, text);
    match component {
        Component::Todo => todo(task, about, when, text),
        // being due keeps nobody busy
        Component::Event => put(text, "TRANSP", "TRANSPARENT"),
    }
    put(text, "END", name);
}

/// When it is due. A rule repeats the start (section 3.8.5.3), and no DUE may be equal to that (section 3.8.2.3).
fn dates(component: Component, task: &Task, when: When<'_>, text: &mut String) {
    let name = match component {
        Component::Todo => "DUE",
        Component::Event => "DTSTART",
    };
    match when {
        When::Series(series) => {
            series.date("DTSTART", text);
            return series.rule(text);
        }
        When::Instead(series) => series.date("RECURRENCE-ID", text),
        When::Once => {}
    }
    match task.due_at {
        Some(Timestamp(due)) if task.all_day => put(text, &format!("{name};VALUE=DATE"), &day(due)),
        Some(Timestamp(due)) => put(text, name, &moment(due)),
        None => {}
    }
}

fn todo(task: &Task, about: About<'_>, when: When<'_>, text: &mut String) {
    let status = match (task.completed, about.kind) {
        (true, _) => "COMPLETED",
        (false, StageKind::Active) => "IN-PROCESS",
        (false, _) => "NEEDS-ACTION",
    };
    put(text, "STATUS", status);
    if let Some(at) = task.completed_at {
        put(text, "COMPLETED", &moment(at.0));
        put(text, "PERCENT-COMPLETE", "100");
    }
    // a reminder is of one date
    let is_here = !matches!(when, When::Series(series) if series.is_moved);
    let reminder = task
        .remind_at
        .filter(|_| about.reminds && is_here && !task.completed);
    if let Some(at) = reminder {
        put(text, "BEGIN", "VALARM");
        put(text, "ACTION", "DISPLAY");
        put(text, "DESCRIPTION", &escaped(&task.title));
        put(text, "TRIGGER;VALUE=DATE-TIME", &moment(at.0));
        put(text, "END", "VALARM");
    }
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

#[cfg(test)]
mod tests;
