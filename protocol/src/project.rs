//! Projects: groups of tasks in a workspace.

use crate::{ProjectId, Timestamp, WorkspaceId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of tasks in a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Project {
    /// The project.
    pub id: ProjectId,
    /// Where it is.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its color as `#rrggbb`; `null` for none.
    pub color: Option<String>,
    /// Where it stands among the others: compare as text.
    pub position: String,
    /// Whether it is put away.
    pub is_archived: bool,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
