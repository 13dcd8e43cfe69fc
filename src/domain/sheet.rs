//! Tasks as a sheet (RFC 4180): a row of titles, then a row for each task. A sheet may be opened by a program that
//! carries out cells as formulas, and everybody in a workspace writes titles. So a cell that such a program would carry out
//! gets an apostrophe in front, which [`plain`] takes away again. Does not know where the tasks come from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use taskwire_protocol::task::Task;
use taskwire_protocol::{ProjectId, Timestamp, UserId};

/// What a sheet begins with, so that spreadsheets read it as UTF-8.
pub const MARK: &str = "\u{feff}";

/// The titles of the columns. New ones come at the end.
pub const COLUMNS: [&str; 18] = [
    "id",
    "parent_id",
    "title",
    "description",
    "project",
    "stage",
    "priority",
    "due_at",
    "remind_at",
    "recurrence",
    "tags",
    "assignees",
    "blocked_by",
    "completed_at",
    "created_by",
    "created_at",
    "updated_at",
    "deleted_at",
];

/// What a sheet calls projects and people.
#[derive(Debug, Default)]
pub struct Names {
    /// The names of the projects.
    pub projects: HashMap<ProjectId, Arc<str>>,
    /// The usernames of the members.
    pub people: HashMap<UserId, Arc<str>>,
}

impl Names {
    fn person(&self, id: UserId) -> Cow<'_, str> {
        match self.people.get(&id) {
            Some(username) => Cow::Borrowed(username),
            None => Cow::Owned(id.to_string()),
        }
    }
}

/// The row of a task, in the order of [`COLUMNS`]. People who are no members any more are called by their ids.
pub fn row(task: &Task, names: &Names) -> [String; COLUMNS.len()] {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let text = |text: Option<&Arc<str>>| text.map(ToString::to_string).unwrap_or_default();
    let project = task.project_id.and_then(|id| names.projects.get(&id));
    [
        task.id.to_string(),
        task.parent_id.map(|id| id.to_string()).unwrap_or_default(),
        task.title.to_string(),
        text(task.description.as_ref()),
        text(project),
        task.stage.to_string(),
        task.priority.name().to_owned(),
        due(task),
        time(task.remind_at),
        text(task.recurrence.as_ref()),
        list(task.tags.iter()),
        list(task.assignee_ids.iter().map(|id| names.person(*id))),
        list(task.blocked_by.iter().map(ToString::to_string)),
        time(task.completed_at),
        names.person(task.created_by).into_owned(),
        time(Some(task.created_at)),
        time(Some(task.updated_at)),
        time(task.deleted_at),
    ]
    .map(defused)
}

/// A date without a time means the day.
fn due(task: &Task) -> String {
    let text = task.due_at.map(|at| at.to_string()).unwrap_or_default();
    if task.all_day {
        text.chars().take_while(|char| *char != 'T').collect()
    } else {
        text
    }
}

/// Several texts in one cell: with commas between them, those in quotes that have a comma or a quote. So the cell is itself a
/// row of a sheet.
fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let quoted = items.map(|item| {
        let item = item.as_ref();
        if item.contains([',', '"']) {
            format!("\"{}\"", item.replace('"', "\"\""))
        } else {
            item.to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}

/// What makes some spreadsheet carry out a cell that begins with it (OWASP, CSV injection).
fn is_dangerous(first: char) -> bool {
    matches!(
        first,
        '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠'
    )
}

/// A cell that no spreadsheet carries out. One that begins with an apostrophe gets another one, so that [`plain`] is exact.
pub fn defused(cell: String) -> String {
    match cell.chars().next() {
        Some(first) if is_dangerous(first) || first == '\'' => format!("'{cell}"),
        _ => cell,
    }
}

/// What a cell said before it was [`defused`]. Cells that people wrote, like `'tis the season`, stay as they are.
pub fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(|first| is_dangerous(first) || first == '\'') => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_is_read_back() {
        for cell in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "'", "''", "'=1", "'tis", "",
            "plain", "a=b", "é",
        ] {
            let written = defused(cell.to_owned());
            assert!(!written.starts_with(is_dangerous), "{written}");
            assert_eq!(plain(&written), cell);
        }
        assert_eq!(plain("'tis the season"), "'tis the season");
    }

    #[test]
    fn a_list_in_a_cell_is_a_row_of_its_own() {
        let tags = ["home", "a, b", "say \"so\"", "ü"];
        let cell = list(tags.iter());
        assert_eq!(cell, "home,\"a, b\",\"say \"\"so\"\"\",ü");
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).from_reader(cell.as_bytes());
        let read = reader.records().next().expect("a row").expect("a row");
        assert_eq!(read.iter().collect::<Vec<_>>(), tags);
    }
}
