//! A table of tasks: the sheet that `GET /v1/export?format=csv` writes, or one that somebody made with some of its columns.
//! It is our own, so a cell that cannot be read is an error of its line and column.

use super::csv::{Row, Rows};
use super::dates;
use super::errors::{Errors, Wrong, unreadable};
use super::lost::shown;
use super::plan::{Name, Person, Plan, PlannedStage, PlannedTask};
use super::{Given, text_of};
use crate::domain::sheet::{COLUMNS, plain};
use chrono_tz::Tz;
use std::collections::BTreeMap;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Priority;
use taskwire_protocol::{Failure, Timestamp};
use uuid::Uuid;

/// What a sheet that somebody made may say instead of the time at which a task was completed.
const COMPLETED: &str = "completed";

/// The columns, in any order: those of our sheets, and one more. Only `title` must be there.
fn columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.into_iter().chain([COMPLETED])
}

/// A table while it is read.
struct Table {
    /// The place of each column.
    columns: BTreeMap<&'static str, usize>,
    errors: Errors,
    /// The tasks by their cells `id`.
    tasks: BTreeMap<String, usize>,
    stages: BTreeMap<String, usize>,
    /// What each task names by `id`: its parent, and what blocks it.
    named: Vec<(String, Vec<String>)>,
}

pub(super) fn read(given: &Given<'_>) -> Result<Plan, Failure> {
    let mut rows = Rows::of(text_of(given.bytes)?);
    let mut plan = Plan::default();
    let Some(head) = rows.next()? else { return Ok(plan) };
    let mut table = Table::of(&head, &mut plan)?;
    while let Some(row) = rows.next()? {
        table.task(&mut plan, &row)?;
    }
    table.resolve(&mut plan);
    table.errors.check()?;
    Ok(plan)
}

impl Table {
    fn of(head: &Row, plan: &mut Plan) -> Result<Table, Failure> {
        let mut columns = BTreeMap::new();
        for (place, cell) in head.cells.iter().enumerate() {
            let title = cell.trim().to_lowercase().replace(' ', "_");
            match self::columns().find(|column| *column == title) {
                Some(column) => {
                    columns.insert(column, place);
                }
                None if title.is_empty() => {}
                None => plan.lost.add(
                    head.line,
                    format!("the column {}", shown(cell)),
                    "it is not known",
                ),
            }
        }
        if !columns.contains_key("title") {
            let message = format!(
                "the first line has the names of the columns, of which `title` must be there: {}",
                self::columns().collect::<Vec<_>>().join(", ")
            );
            return Err(unreadable(head.line, None, message));
        }
        Ok(Table {
            columns,
            errors: Errors::default(),
            tasks: BTreeMap::new(),
            stages: BTreeMap::new(),
            named: Vec::new(),
        })
    }

    fn cell<'r>(&self, row: &'r Row, column: &str) -> &'r str {
        let cell = self.columns.get(column).and_then(|place| row.cells.get(*place));
        cell.map_or("", |cell| plain(cell.trim()).trim())
    }

    fn wrong(&mut self, row: &Row, column: &str, message: &str) {
        let place = self.columns.get(column).map(|place| *place as u64 + 1);
        self.errors.push(Wrong {
            line: Some(row.line),
            column: place,
            field: column.to_owned(),
            message: message.to_owned(),
        });
    }

    fn task(&mut self, plan: &mut Plan, row: &Row) -> Result<(), Failure> {
        let project = match self.cell(row, "project") {
            "" => None,
            name => Some(plan.project(Some(row.line), name)),
        };
        let completed_at = self.time(row, "completed_at");
        let stage = self.stage(plan, row, completed_at.is_some());
        let completed = self.truth(row, COMPLETED) || completed_at.is_some();
        let (due_at, all_day) = self.date(row, "due_at");
        let people = self.list(row, "assignees");
        let id = called(self.cell(row, "id"));
        let blockers = self.list(row, "blocked_by");
        plan.count_names(blockers.len(), Some(row.line))?;
        self.named.push((called(self.cell(row, "parent_id")), blockers));
        if !id.is_empty() && self.tasks.insert(id.clone(), plan.tasks.len()).is_some() {
            self.wrong(row, "id", "another row has the same id");
        }
        let creator = self.cell(row, "created_by");
        let task = PlannedTask {
            line: Some(row.line),
            title: self.cell(row, "title").to_owned(),
            description: self.cell(row, "description").to_owned(),
            project,
            stage,
            completed,
            completed_at,
            priority: self.priority(row),
            due_at,
            all_day,
            remind_at: self.time(row, "remind_at"),
            recurrence: self.cell(row, "recurrence").to_owned(),
            tags: self.list(row, "tags"),
            people: people.iter().map(|name| person(name)).collect(),
            created_by: (!creator.is_empty()).then(|| person(creator)),
            created_at: self.time(row, "created_at"),
            updated_at: self.time(row, "updated_at"),
            deleted_at: self.time(row, "deleted_at"),
            name: id.parse().ok().map(Name::Id),
            ..PlannedTask::default()
        };
        plan.add(task)?;
        Ok(())
    }

    /// The stage of a cell: its key, or its name.
    fn stage(&mut self, plan: &mut Plan, row: &Row, is_done: bool) -> Option<usize> {
        let text = self.cell(row, "stage").to_owned();
        if text.is_empty() {
            return None;
        }
        let place = *self.stages.entry(text.clone()).or_insert_with(|| {
            plan.stages.push(PlannedStage {
                line: Some(row.line),
                key: None,
                name: text,
                kind: StageKind::Open,
                color: None,
            });
            plan.stages.len() - 1
        });
        // a stage that is new has the kind that its first tasks show
        if is_done {
            plan.stages[place].kind = StageKind::Done;
        }
        Some(place)
    }

    fn priority(&mut self, row: &Row) -> Priority {
        let cell = self.cell(row, "priority").to_lowercase();
        if cell.is_empty() {
            return Priority::None;
        }
        Priority::of(&cell).unwrap_or_else(|| {
            let names = Priority::ALL.map(Priority::name).join(", ");
            self.wrong(row, "priority", &format!("priority must be one of {names}"));
            Priority::None
        })
    }

    fn truth(&mut self, row: &Row, column: &str) -> bool {
        match self.cell(row, column).to_lowercase().as_str() {
            "" | "false" | "no" | "0" => false,
            "true" | "yes" | "1" | "x" => true,
            _ => {
                self.wrong(row, column, &format!("{column} must be true or false"));
                false
            }
        }
    }

    fn time(&mut self, row: &Row, column: &str) -> Option<Timestamp> {
        self.date(row, column).0
    }

    fn date(&mut self, row: &Row, column: &str) -> (Option<Timestamp>, bool) {
        let cell = self.cell(row, column);
        if cell.is_empty() {
            return (None, false);
        }
        if let Some(date) = dates::plain(cell, Tz::UTC) {
            return (Some(date.at), date.all_day);
        }
        let form = "must be like 2030-01-31, 2030-01-31 14:30 (in UTC) or 2030-01-31T14:30:00Z";
        self.wrong(row, column, &format!("{column} {form}"));
        (None, false)
    }

    /// Several texts in one cell: it is itself a row.
    fn list(&mut self, row: &Row, column: &str) -> Vec<String> {
        let cell = self.cell(row, column);
        let Ok(found) = Rows::with_commas(cell).next() else {
            let form = "must be names with commas between them, in quotes where a name has a comma";
            self.wrong(row, column, &format!("{column} {form}"));
            return Vec::new();
        };
        let items = found.map(|row| row.cells).unwrap_or_default().into_iter();
        items
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    }

    /// Finds what the rows name by `id`.
    fn resolve(&mut self, plan: &mut Plan) {
        for (place, (parent, blockers)) in std::mem::take(&mut self.named).into_iter().enumerate() {
            let (line, named) = (plan.tasks[place].line, shown(&plan.tasks[place].title));
            if !parent.is_empty() {
                match self.tasks.get(&parent) {
                    Some(parent) => plan.tasks[place].parent = Some(*parent),
                    None => plan
                        .lost
                        .add(line, format!("the parent of “{named}”"), "no row has this id"),
                }
            }
            for blocker in blockers {
                match self.tasks.get(&called(&blocker)) {
                    Some(blocker) => plan.tasks[place].blocked_by.push(*blocker),
                    None => plan
                        .lost
                        .add(line, format!("what blocks “{named}”"), "no row has this id"),
                }
            }
        }
    }
}

/// What a row is called in the others. A UUID may be written in several ways, which are one id.
fn called(text: &str) -> String {
    match text.parse::<Uuid>() {
        Ok(id) => id.to_string(),
        Err(_) => text.to_owned(),
    }
}

/// The exporter calls people who are no members by their ids.
fn person(text: &str) -> Person {
    Person::of(text.parse().ok(), text)
}
