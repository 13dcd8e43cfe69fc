//! Todoist: the CSV file of a project, or the ZIP of all of them that its backups are. A row is a section, a task, or a note
//! on the task above it; `INDENT` says how deep a task is.

use super::csv::{Row, Rows};
use super::dates::{self, When};
use super::errors::unreadable;
use super::lost::shown;
use super::plan::{Person, Plan, PlannedComment, PlannedProject, PlannedTask};
use super::{Given, text_of, zip};
use crate::unicode::cut;
use std::collections::BTreeSet;
use taskwire_protocol::task::Priority;
use taskwire_protocol::{Failure, limits};

/// The columns that say nothing that is lost.
const KNOWN: [&str; 15] = [
    "TYPE",
    "CONTENT",
    "DESCRIPTION",
    "PRIORITY",
    "INDENT",
    "AUTHOR",
    "RESPONSIBLE",
    "DATE",
    "DATE_LANG",
    "TIMEZONE",
    "DURATION",
    "DURATION_UNIT",
    "DEADLINE",
    "DEADLINE_LANG",
    "IS_COLLAPSED",
];

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let mut plan = Plan::default();
    if !zip::is_archive(given.bytes) {
        let place = given.project.map(|name| plan.project(None, name));
        if place.is_none() {
            let why = "the file does not have it; name a project for the tasks";
            plan.lost.add(None, "the name of the project", why);
        }
        project(&mut plan, text_of(given.bytes)?, place, given)?;
        return Ok(plan);
    }
    let mut left = given.most;
    for entry in zip::entries(given.bytes)? {
        let is_table = entry.name.to_ascii_lowercase().ends_with(".csv");
        if !is_table {
            if !entry.name.ends_with('/') {
                let why = "only the CSV files of an archive are read";
                plan.lost.add(None, shown(&entry.name), why);
            }
            continue;
        }
        let content = entry.unpack(given.bytes, left)?;
        left -= content.len();
        // files with one name are projects with one name
        plan.projects.push(PlannedProject {
            name: project_name(&entry.name),
            is_listed: true,
            ..PlannedProject::default()
        });
        let place = plan.projects.len() - 1;
        project(&mut plan, text_of(&content)?, Some(place), given)?;
    }
    Ok(plan)
}

/// A backup names its files like `Home [220325187].csv`.
fn project_name(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let name = file.get(..file.len() - 4).unwrap_or(file);
    let name = name
        .rsplit_once(" [")
        .filter(|(_, id)| id.ends_with(']'))
        .map_or(name, |(name, _)| name);
    name.to_owned()
}

/// Where in a file the rows are.
struct Table<'g> {
    columns: Vec<String>,
    given: &'g Given<'g>,
    project: Option<usize>,
    /// The tasks above the next one, by their level.
    above: Vec<usize>,
    /// The tag of the section.
    section: Option<String>,
}

fn project(plan: &mut Plan, text: &str, project: Option<usize>, given: &Given<'_>) -> Result<(), Failure> {
    let mut rows = Rows::of(text);
    let Some(head) = rows.next()? else { return Ok(()) };
    let columns: Vec<String> = head
        .cells
        .iter()
        .map(|cell| cell.trim().to_ascii_uppercase())
        .collect();
    if !columns.iter().any(|column| column == "TYPE") || !columns.iter().any(|column| column == "CONTENT") {
        let message = "the first line of a Todoist file has the columns TYPE and CONTENT";
        return Err(unreadable(head.line, None, message));
    }
    let unknown = columns
        .iter()
        .filter(|column| !column.is_empty() && !KNOWN.contains(&column.as_str()));
    for column in unknown {
        plan.lost.add(
            head.line,
            format!("the column {}", shown(column)),
            "it is not known",
        );
    }
    let mut table = Table {
        project,
        columns,
        given,
        above: Vec::new(),
        section: None,
    };
    while let Some(row) = rows.next()? {
        table.row(plan, &row)?;
    }
    Ok(())
}

impl Table<'_> {
    fn cell<'r>(&self, row: &'r Row, column: &str) -> &'r str {
        let place = self.columns.iter().position(|name| name == column);
        place
            .and_then(|place| row.cells.get(place))
            .map_or("", |cell| cell.trim())
    }

    fn row(&mut self, plan: &mut Plan, row: &Row) -> Result<(), Failure> {
        match self.cell(row, "TYPE") {
            "task" => self.task(plan, row)?,
            "section" => {
                let name = self.cell(row, "CONTENT");
                self.above.clear();
                // each of its tasks gets it, so no more of it is kept than a tag has
                self.section = (!name.is_empty()).then(|| cut(name, limits::TAG).to_owned());
                let why = "Taskwire has no sections; its tasks get a tag with its name";
                plan.lost
                    .add(row.line, format!("the section {}", shown(name)), why);
            }
            "note" => self.note(plan, row)?,
            "" | "meta" => {} // how the project is shown
            other => {
                let what = format!("a row of the type {}", shown(other));
                plan.lost.add(row.line, what, "this type is not known");
            }
        }
        Ok(())
    }

    fn task(&mut self, plan: &mut Plan, row: &Row) -> Result<(), Failure> {
        let (title, labels) = labels(self.cell(row, "CONTENT"));
        let indent: usize = self.cell(row, "INDENT").parse().unwrap_or(1);
        let level = indent.clamp(1, self.above.len() + 1) - 1;
        let mut task = PlannedTask {
            line: Some(row.line),
            title,
            description: self.cell(row, "DESCRIPTION").to_owned(),
            project: self.project,
            parent: level
                .checked_sub(1)
                .and_then(|parent| self.above.get(parent).copied()),
            priority: match self.cell(row, "PRIORITY") {
                "1" => Priority::Urgent,
                "2" => Priority::High,
                "3" => Priority::Medium,
                _ => Priority::None,
            },
            tags: labels,
            ..PlannedTask::default()
        };
        task.tags.extend(self.section.clone());
        let person = person(self.cell(row, "RESPONSIBLE"));
        task.people.extend((!person.name.is_empty()).then_some(person));
        self.when(plan, row, &mut task);
        for (column, what) in [("DURATION", "duration"), ("DEADLINE", "deadline")] {
            let value = self.cell(row, column);
            let says = !matches!(value, "" | "None" | "none");
            if says && !(column == "DEADLINE" && self.deadline(row, &mut task)) {
                let what = format!("the {what} of “{}”: {}", shown(&task.title), shown(value));
                plan.lost.add(row.line, what, "a task has no such field");
            }
        }
        self.above.truncate(level);
        self.above.push(plan.add(task)?);
        Ok(())
    }

    /// A deadline is the due date of a task that has no other date.
    fn deadline(&self, row: &Row, task: &mut PlannedTask) -> bool {
        let date = dates::plain(self.cell(row, "DEADLINE"), chrono_tz::Tz::UTC);
        match date {
            Some(date) if task.due_at.is_none() => {
                (task.due_at, task.all_day) = (Some(date.at), date.all_day);
                true
            }
            _ => false,
        }
    }

    fn when(&self, plan: &mut Plan, row: &Row, task: &mut PlannedTask) {
        let (text, language) = (self.cell(row, "DATE"), self.cell(row, "DATE_LANG"));
        if text.is_empty() {
            return;
        }
        let zone = dates::zone(self.cell(row, "TIMEZONE"));
        let in_english = language.is_empty() || language.eq_ignore_ascii_case("en");
        let when = zone.and_then(|zone| {
            if in_english {
                return dates::words(text, zone, self.given.now);
            }
            let date = dates::plain(text, zone)?;
            let (date, rule) = (Some(date), None);
            Some(When { date, rule })
        });
        let Some(when) = when else {
            let what = format!("the date of “{}”: {}", shown(&task.title), shown(text));
            let why = "it is not understood for sure; the task has no date";
            plan.lost.add(row.line, what, why);
            return;
        };
        task.due_at = when.date.map(|date| date.at);
        task.all_day = when.date.is_some_and(|date| date.all_day);
        task.recurrence = when.rule.unwrap_or_default();
        let begin = text.to_lowercase();
        if begin.starts_with("every!") || begin.starts_with("ev!") {
            let what = format!(
                "that “{}” repeats from the day on which it is done",
                shown(&task.title)
            );
            plan.lost.add(row.line, what, "it repeats from its date");
        }
    }

    fn note(&self, plan: &mut Plan, row: &Row) -> Result<(), Failure> {
        let body = self.cell(row, "CONTENT");
        let author = person(self.cell(row, "AUTHOR"));
        // a note with a file is `[[file {…}]]`
        let (body, file) = match body.split_once("[[file ") {
            Some((text, file)) => (text.trim(), Some(file)),
            None => (body, None),
        };
        if let Some(file) = file {
            let what = format!("a file: {}", shown(file));
            plan.lost
                .add(row.line, what, "the backup has its address only; upload it again");
        }
        let Some(task) = self.above.last().copied() else {
            let what = format!("a note: {}", shown(body));
            plan.lost.add(
                row.line,
                what,
                "it is about the project, and only tasks have comments",
            );
            return Ok(());
        };
        if body.is_empty() {
            return Ok(());
        }
        plan.count(1, Some(row.line))?;
        plan.tasks[task].comments.push(PlannedComment {
            line: Some(row.line),
            body: body.to_owned(),
            author: (!author.name.is_empty()).then_some(author),
            ..PlannedComment::default()
        });
        Ok(())
    }
}

/// People are written like `Evan (14781400)`.
fn person(text: &str) -> Person {
    let name = text
        .rsplit_once(" (")
        .filter(|(_, id)| id.ends_with(')'))
        .map_or(text, |(name, _)| name);
    Person::named(name)
}

/// The labels at the end of a title or within it, as `@label`.
fn labels(content: &str) -> (String, Vec<String>) {
    let (mut title, mut labels, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for word in content.split(' ') {
        match word.strip_prefix('@').filter(|label| !label.is_empty()) {
            Some(label) => {
                if seen.insert(label.to_owned()) {
                    labels.push(label.to_owned());
                }
            }
            None => title.push(word),
        }
    }
    let title = title.join(" ");
    if title.trim().is_empty() {
        return (content.to_owned(), labels);
    }
    (title.trim().to_owned(), labels)
}
