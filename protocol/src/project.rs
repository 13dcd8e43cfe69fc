//! Projects: groups of tasks in a workspace.

use crate::{ProjectId, Timestamp, WorkspaceId};
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
