//! What an import makes, whatever format it came from: stages, projects, tags and tasks that name each other by their
//! place in the plan. A format fills it as it finds things; `settle` makes it valid.

use super::errors::unreadable;
use super::lost::Lost;
use crate::domain::Result;
use std::collections::BTreeMap;
use taskwire_protocol::export::Ref;
use taskwire_protocol::stage::StageKind;
use taskwire_protocol::task::Priority;
use taskwire_protocol::{TaskId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

/// The most rows of an import: tasks and comments, and entries of the lists of a file.
pub const MOST_ROWS: usize = 100_000;

/// The most tags, people and blockers that tasks name together. A name of one letter takes fifty times as much memory as it
/// takes of the file.
pub const MOST_NAMES: usize = 1_000_000;
/// The most characters of what a person is called: longer than any address. A file says it once and names the person often.
const PERSON: usize = 300;

/// Everything that an import makes.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The stages that tasks are in.
    pub stages: Vec<PlannedStage>,
    /// The projects, in their order.
    pub projects: Vec<PlannedProject>,
    /// Tags with a color. Tasks may name others.
    pub tags: Vec<PlannedTag>,
    /// The tasks, in their order; a parent comes before its subtasks once the plan is settled.
    pub tasks: Vec<PlannedTask>,
    /// Whether another program made the file.
    pub is_foreign: bool,
    /// Rows of the file that are left out on purpose, such as deleted tasks.
    pub skipped: u64,
    /// What is left out or changed.
    pub lost: Lost,
    /// The tasks and comments that were added so far.
    pub(super) counted: usize,
    /// The tags, people and blockers that they name.
    pub(super) names: usize,
    /// The projects that [`Plan::project`] added.
    pub(super) named: BTreeMap<String, usize>,
}

/// A stage that tasks are in.
#[derive(Clone, Debug)]
pub struct PlannedStage {
    /// The line of the file.
    pub line: Option<u64>,
    /// Its key, if the format has keys; otherwise it is found by its name, and its key is made of it.
    pub key: Option<String>,
    /// Its name.
    pub name: String,
    /// What it means for its tasks, should it be new.
    pub kind: StageKind,
    /// The color as `#rrggbb`.
    pub color: Option<String>,
}

/// A project. One of the workspace with the same name is used instead.
#[derive(Clone, Debug, Default)]
pub struct PlannedProject {
    /// The line of the file.
    pub line: Option<u64>,
    /// Its name.
    pub name: String,
    /// Whether the file has a list of its projects, so that two with one name are two. Otherwise it only says to which
    /// project a task belongs.
    pub is_listed: bool,
    /// The name of the project that it is in, by which it is told from another one with its name.
    pub above: Option<String>,
    /// The color as `#rrggbb`.
    pub color: Option<String>,
    /// Whether it is archived.
    pub is_archived: bool,
    /// When it was created; now when unknown.
    pub created_at: Option<Timestamp>,
    /// When it last changed; when it was created if unknown.
    pub updated_at: Option<Timestamp>,
    /// What makes its id. Then the project of this id is the same, and one with the same name is not.
    pub reference: Option<Ref>,
    /// Its place among the other projects; behind them when `None`.
    pub position: Option<String>,
}

/// Somebody in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// Who it is on the server of the file.
    pub id: Option<UserId>,
    /// A username, a name or an e-mail address.
    pub name: String,
    /// Another name, which is looked up when nobody has the first; empty for none.
    pub other: String,
}

/// What a file calls a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// By a reference, which is the same in every copy of a workspace.
    Ref(Ref),
    /// By its id.
    Id(Uuid),
}

impl Name {
    /// The id that the task has, or gets, in a workspace. `None`: it cannot be the id of a task.
    pub fn id_in(self, workspace: WorkspaceId) -> Option<TaskId> {
        let id = match self {
            Name::Ref(reference) => reference.id_in(workspace),
            Name::Id(id) => id,
        };
        (id.get_version_num() == 7).then_some(TaskId(id))
    }
}

/// A tag with a color.
#[derive(Clone, Debug)]
pub struct PlannedTag {
    /// The line of the file.
    pub line: Option<u64>,
    /// Its name.
    pub name: String,
    /// The color as `#rrggbb`.
    pub color: Option<String>,
}

/// A task.
#[derive(Clone, Debug, Default)]
pub struct PlannedTask {
    /// The line of the file.
    pub line: Option<u64>,
    /// What to do.
    pub title: String,
    /// Details; empty for none.
    pub description: String,
    /// Its project's place in the plan.
    pub project: Option<usize>,
    /// Its parent's place in the plan.
    pub parent: Option<usize>,
    /// Its stage's place in the plan. Without one the task is in the first stage that fits.
    pub stage: Option<usize>,
    /// Whether somebody works on it, for formats without stages.
    pub is_begun: bool,
    /// Whether it is completed.
    pub completed: bool,
    /// When it was completed.
    pub completed_at: Option<Timestamp>,
    /// How urgent it is.
    pub priority: Priority,
    /// When it is due.
    pub due_at: Option<Timestamp>,
    /// Whether `due_at` means a day.
    pub all_day: bool,
    /// When to remind.
    pub remind_at: Option<Timestamp>,
    /// How it repeats; empty for never.
    pub recurrence: String,
    /// Names of tags.
    pub tags: Vec<String>,
    /// Who does it.
    pub people: Vec<Person>,
    /// Places in the plan of tasks that block it.
    pub blocked_by: Vec<usize>,
    /// When it was created; now when unknown.
    pub created_at: Option<Timestamp>,
    /// When it last changed; when it was created if unknown.
    pub updated_at: Option<Timestamp>,
    /// Comments on it, oldest first.
    pub comments: Vec<PlannedComment>,
    /// When it was deleted; it can be restored.
    pub deleted_at: Option<Timestamp>,
    /// What makes its id. A task of this id was imported before.
    pub name: Option<Name>,
    /// Who created it.
    pub created_by: Option<Person>,
    /// Its place among the other tasks; behind them when `None`.
    pub position: Option<String>,
}

/// A comment on a task.
#[derive(Clone, Debug, Default)]
pub struct PlannedComment {
    /// The line of the file.
    pub line: Option<u64>,
    /// What it says.
    pub body: String,
    /// Who wrote it. The person who imports when `None`.
    pub author: Option<Person>,
    /// The people that it mentions, beside those whose `@username` it has.
    pub mentions: Vec<Person>,
    /// When it was written; now when unknown.
    pub created_at: Option<Timestamp>,
    /// When it last changed; when it was written if unknown.
    pub updated_at: Option<Timestamp>,
}

impl Person {
    /// Somebody with a name alone.
    pub fn named(name: &str) -> Person {
        Person::of(None, name)
    }

    /// Somebody with a name, whose beginning is kept.
    pub fn of(id: Option<UserId>, name: &str) -> Person {
        Person {
            id,
            name: short(name),
            other: String::new(),
        }
    }

    /// Somebody with a username and a full name, of which another program may leave one out. People rarely have the same
    /// username everywhere.
    pub fn called(username: Option<String>, full: Option<String>) -> Option<Person> {
        let mut person = Person::named(&username.or_else(|| full.clone())?);
        person.other = short(&full.unwrap_or_default());
        Some(person)
    }
}

fn short(name: &str) -> String {
    name.trim().chars().take(PERSON).collect()
}

impl Plan {
    /// Adds a task, and returns its place.
    ///
    /// # Errors
    /// There are too many.
    pub fn add(&mut self, task: PlannedTask) -> Result<usize> {
        self.count(1 + task.comments.len(), task.line)?;
        self.count_names(
            task.tags.len() + task.people.len() + task.blocked_by.len(),
            task.line,
        )?;
        self.tasks.push(task);
        Ok(self.tasks.len() - 1)
    }

    /// Counts rows.
    ///
    /// # Errors
    /// There are too many.
    pub fn count(&mut self, rows: usize, line: Option<u64>) -> Result<()> {
        self.counted += rows;
        if self.counted > MOST_ROWS {
            let message = format!("an import has at most {MOST_ROWS} tasks and comments; split the file");
            return Err(unreadable(line, None, message));
        }
        Ok(())
    }

    /// Counts what tasks name: tags, people, blockers.
    ///
    /// # Errors
    /// There are too many.
    pub fn count_names(&mut self, names: usize, line: Option<u64>) -> Result<()> {
        self.names += names;
        if self.names > MOST_NAMES {
            let message = format!(
                "the tasks of an import name at most {MOST_NAMES} tags, people and blockers together; split the file"
            );
            return Err(unreadable(line, None, message));
        }
        Ok(())
    }

    /// How many rows the import writes: what decides whether it happens at once or in steps.
    pub fn rows(&self) -> usize {
        let comments: usize = self.tasks.iter().map(|task| task.comments.len()).sum();
        self.projects.len() + self.tags.len() + self.tasks.len() + comments
    }

    /// The place of a project with this name, which is added if it is new.
    pub fn project(&mut self, line: Option<u64>, name: &str) -> usize {
        if let Some(place) = self.named.get(name) {
            return *place;
        }
        self.named.insert(name.to_owned(), self.projects.len());
        self.projects.push(PlannedProject {
            line,
            name: name.to_owned(),
            ..PlannedProject::default()
        });
        self.projects.len() - 1
    }
}
