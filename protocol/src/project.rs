//! Projects: groups of tasks in a workspace.

use crate::{
    Patch, ProjectId, Timestamp, WorkspaceId, limits,
    optional::{given, nullable},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A project: a group of tasks in a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Project {
    /// The project.
    pub id: ProjectId,
    /// The workspace that contains it.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The color as `#rrggbb`; `null` for none.
    pub color: Option<String>,
    /// Its place among the other projects: compare as text.
    pub position: String,
    /// Whether it is archived.
    pub is_archived: bool,
    /// Rises with every change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Parameters of `project.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateProject {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// 1 to 100 characters. Several projects may have the same name.
    #[schemars(length(min = 1, max = limits::PROJECT_NAME))]
    #[schemars(example = &"House", example = &"Summer fair")]
    pub name: String,
    /// The color as `#rrggbb`; none when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "#3b82f6", example = ())]
    pub color: Option<String>,
}

/// Parameters of `project.update`: only what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProject {
    /// The project.
    pub id: ProjectId,
    /// 1 to 100 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::PROJECT_NAME))]
    #[schemars(example = &"House and garden", example = &"Winter fair")]
    pub name: Option<String>,
    /// The color as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(schema_with = "nullable::<String>")]
    #[schemars(example = "#22c55e", example = ())]
    pub color: Patch<String>,
    /// Places it right before this project. Not together with `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<ProjectId>,
    /// Places it right after this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<ProjectId>,
}

/// Parameters of `project.archive`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveProject {
    /// The project.
    pub id: ProjectId,
    /// Whether it is archived; true when omitted. An archived project keeps its tasks, and they can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// Parameters of `project.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteProject {
    /// The project.
    pub id: ProjectId,
}

/// Parameters of `project.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListProjects {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The payload of `project.deleted`, and the answer to `project.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectDeleted {
    /// The project.
    pub id: ProjectId,
    /// The version after its last one.
    pub version: i64,
}
