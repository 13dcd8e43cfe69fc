//! The file of a workspace: what `GET /v1/export?format=json` answers and `POST /v1/import?format=json` reads. `layout`
//! writes it piece by piece, `records` makes what it writes from entities. Does not know where a server reads the workspace, nor what an import makes of it.
//!
//! **The document.** One JSON object: `format`, `version`, `workspace`, then arrays in the order of [`WorkspaceExport`]. What
//! a record names comes before it, so a reader needs one pass and the memory of one record: subtasks come after their
//! parents; `blockers` stand behind all tasks, because a task may be blocked by a later one. Each record has a line of its
//! own. A reader takes any JSON with the same content. A file that was cut is no JSON.
//!
//! **References.** A `ref` names a task or a project inside the file. It is not the id, but is made from it and from the
//! workspace ([`Ref::of`]); an import makes the new id from the `ref` and its own workspace ([`Ref::id_in`]). So nothing is
//! looked up, and a copy of a workspace has the same `ref`s as the original. Where the new id is taken by another
//! workspace, the import takes a new one. Where it is taken in the same workspace, the file was imported before.
//!
//! **The same bytes the second time.** Workspace A is exported and imported into B, which is new; B is exported and imported
//! into C, which is new; then the exports of B and C are the same bytes, if B and C have the same name and members. (What B
//! lost of A, like files and people who are no members of B, B no longer has.) For this
//! - the file has nothing that differs between a workspace and its copy: no ids but those of people, no versions, counts or
//!   positions in the log, no time of the export;
//! - an import keeps all fields of a task, project, tag and comment that it can, times and positions included, and adds
//!   comments in the order of the file;
//! - everything has one order: members by id, projects by `position` and then `ref`, tags by name, tasks by `ref` except
//!   that one with a greater parent follows that parent, blockers by task, comments by task and then by age, attachments
//!   likewise.

use crate::member::Role;
use crate::stage::Stages;
use crate::task::Priority;
use crate::{Timestamp, UserId, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

mod layout;
mod records;

pub use layout::{Layout, Record};

/// The first field of every file.
pub const FORMAT: &str = "taskwire";
/// The version of the format that this crate writes. Later ones only add fields, so a reader of this version can read them
/// and loses what it does not know.
pub const VERSION: u32 = 1;

/// In which form a workspace is exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// All of it, for an import: [`WorkspaceExport`].
    #[default]
    Json,
    /// A row for each task, for spreadsheets (RFC 4180): UTF-8 with a mark in front. A cell that a spreadsheet would carry out
    /// as a formula has an apostrophe in front.
    Csv,
    /// A to-do for each task that is not deleted, for calendar programs (RFC 5545).
    Ics,
}

impl ExportFormat {
    /// Its name, which is also the ending of its files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Json => "json",
            ExportFormat::Csv => "csv",
            ExportFormat::Ics => "ics",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<ExportFormat> {
        let all = [ExportFormat::Json, ExportFormat::Csv, ExportFormat::Ics];
        all.into_iter().find(|format| format.name() == name)
    }
}

/// Names a task or a project in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Ref(pub Uuid);

impl Ref {
    /// The reference to what has this id in this workspace. The first 96 bits of a UUIDv7 order it among others and stay;
    /// the other 32 are random, and so are those of the workspace's id, which are added to them bit by bit.
    #[must_use]
    pub fn of(workspace: WorkspaceId, id: impl Into<Uuid>) -> Ref {
        Ref(mixed(workspace, id.into()))
    }

    /// The id that belongs to this reference in a workspace: the reverse of [`Ref::of`].
    #[must_use]
    pub fn id_in(self, workspace: WorkspaceId) -> Uuid {
        mixed(workspace, self.0)
    }
}

fn mixed(workspace: WorkspaceId, id: Uuid) -> Uuid {
    let random = workspace.0.as_u128() & u128::from(u32::MAX);
    Uuid::from_u128(id.as_u128() ^ random)
}

/// The whole file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceExport {
    /// `taskwire`.
    pub format: String,
    /// The version of the format, 1.
    pub version: u32,
    /// The workspace.
    pub workspace: ExportedWorkspace,
    /// Its members, by id. An import adds no members: people join a workspace by invitations.
    #[serde(default)]
    pub members: Vec<ExportedMember>,
    /// Its projects.
    #[serde(default)]
    pub projects: Vec<ExportedProject>,
    /// Its tags. A task may name a tag that is not among them.
    #[serde(default)]
    pub tags: Vec<ExportedTag>,
    /// Its tasks, deleted ones included, each after its parent.
    #[serde(default)]
    pub tasks: Vec<ExportedTask>,
    /// What blocks its tasks.
    #[serde(default)]
    pub blockers: Vec<ExportedBlockers>,
    /// Its comments: those of a task together, oldest first.
    #[serde(default)]
    pub comments: Vec<ExportedComment>,
    /// What is attached to its tasks, without the bytes: `GET /v1/attachments/{id}` has them.
    #[serde(default)]
    pub attachments: Vec<ExportedAttachment>,
}

/// What a file says about the workspace itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedWorkspace {
    /// Its name. An import does not rename the workspace that it fills.
    pub name: Arc<str>,
    /// The stages of its tasks, in the order of its board. An import adds those whose keys are missing, at the end.
    #[serde(default)]
    #[schemars(with = "Vec<crate::stage::Stage>")]
    pub stages: Stages,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedMember {
    /// The user. On another server it names nobody; the `username` may.
    pub id: UserId,
    /// The unique name.
    pub username: Arc<str>,
    /// The name to show.
    pub name: Arc<str>,
    /// The role.
    pub role: Role,
}

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedProject {
    /// What its tasks call it.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// Its name.
    pub name: String,
    /// The color as `#rrggbb`; `null` for none.
    #[serde(default)]
    pub color: Option<String>,
    /// Its place among the other projects: compare as text.
    pub position: String,
    /// Whether it is archived.
    #[serde(default)]
    pub is_archived: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedTag {
    /// Its name.
    pub name: Arc<str>,
    /// The color as `#rrggbb`; `null` for none.
    #[serde(default)]
    pub color: Option<String>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedTask {
    /// What the rest of the file calls it.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The parent task, which is before it in the file.
    #[serde(default)]
    pub parent: Option<Ref>,
    /// The project, one of `projects`.
    #[serde(default)]
    pub project: Option<Ref>,
    /// What to do.
    pub title: Arc<str>,
    /// Details.
    #[serde(default)]
    pub description: Option<Arc<str>>,
    /// The key of its stage.
    pub stage: Arc<str>,
    /// When it was completed; `null` while it is not.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// How urgent it is.
    #[serde(default)]
    pub priority: Priority,
    /// When it is due.
    #[serde(default)]
    pub due_at: Option<Timestamp>,
    /// Whether `due_at` means a day, not a moment.
    #[serde(default)]
    pub all_day: bool,
    /// When to remind the assignees.
    #[serde(default)]
    pub remind_at: Option<Timestamp>,
    /// How it repeats (RFC 5545, section 3.3.10).
    #[serde(default)]
    pub recurrence: Option<Arc<str>>,
    /// Its place among the other tasks: compare as text.
    pub position: Arc<str>,
    /// Names of tags.
    #[serde(default)]
    pub tags: Vec<Arc<str>>,
    /// The assignees.
    #[serde(default)]
    pub assignees: Vec<UserId>,
    /// When it was deleted; `null` while it is not. What was deleted together has the same time.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
    /// The user who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What blocks a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedBlockers {
    /// The task.
    pub task: Ref,
    /// The tasks that block it.
    pub blocked_by: Vec<Ref>,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedComment {
    /// The task that it is about.
    pub task: Ref,
    /// Who wrote it.
    pub author: UserId,
    /// Their name to show, also when they are no member any more.
    pub author_name: Arc<str>,
    /// What it says.
    pub body: Arc<str>,
    /// Who is mentioned.
    #[serde(default)]
    pub mentions: Vec<UserId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An attachment. Its bytes are not in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedAttachment {
    /// The task that has it.
    pub task: Ref,
    /// Its name.
    pub name: Arc<str>,
    /// In bytes.
    pub size: u64,
    /// What its first bytes look like, like `image/png`.
    pub media_type: Arc<str>,
    /// Who uploaded it.
    pub created_by: UserId,
    /// When it was uploaded.
    pub created_at: Timestamp,
}
