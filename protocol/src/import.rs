//! Imports: what `POST /v1/import` answers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A format that `POST /v1/import` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportFormat {
    /// The file of a workspace, as `GET /v1/export?format=json` writes it.
    Json,
    /// A table of tasks with a line of column names, as `GET /v1/export?format=csv` writes it.
    Csv,
    /// A CSV file of a Todoist project, or the ZIP of a backup.
    Todoist,
    /// The JSON file of a Trello board.
    Trello,
    /// The ZIP of a Vikunja export, or its `data.json`.
    Vikunja,
    /// What Taskwarrior's `task export` prints.
    Taskwarrior,
}

impl ImportFormat {
    /// Every format.
    pub const ALL: [ImportFormat; 6] = [
        ImportFormat::Json,
        ImportFormat::Csv,
        ImportFormat::Todoist,
        ImportFormat::Trello,
        ImportFormat::Vikunja,
        ImportFormat::Taskwarrior,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ImportFormat::Json => "json",
            ImportFormat::Csv => "csv",
            ImportFormat::Todoist => "todoist",
            ImportFormat::Trello => "trello",
            ImportFormat::Vikunja => "vikunja",
            ImportFormat::Taskwarrior => "taskwarrior",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn of(name: &str) -> Option<ImportFormat> {
        ImportFormat::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// The answer to `POST /v1/import`: what was made, or with `dry_run` what would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// How many stages, projects, tags, tasks and comments were made.
    pub created: u64,
    /// How many that were there were changed.
    pub updated: u64,
    /// How many were there already and are used as they are, or are left out on purpose, such as deleted tasks.
    pub skipped: u64,
    /// How many of each kind were made.
    pub made: Made,
    /// What is left out or changed, and why; at most 1,000 things, and then how many more.
    pub lost: Vec<Lost>,
    /// The import was done before with this `op_id`; this is the first answer again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replayed: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How many of each kind an import made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Made {
    /// Stages of the workspace.
    pub stages: u64,
    /// Projects.
    pub projects: u64,
    /// Tags.
    pub tags: u64,
    /// Tasks, subtasks among them.
    pub tasks: u64,
    /// Comments.
    pub comments: u64,
}

impl Made {
    /// All kinds together.
    #[must_use]
    pub fn all(&self) -> u64 {
        let Made {
            stages,
            projects,
            tags,
            tasks,
            comments,
        } = self;
        stages + projects + tags + tasks + comments
    }
}

/// Something in the file of an import that is left out or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// The line of the file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What it is.
    pub what: String,
    /// Why, and what happens instead.
    pub why: String,
}
