//! Tags: names for tasks, with a color.

use crate::WorkspaceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A tag: a name for tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// The tag.
    pub id: Uuid,
    /// The workspace that contains it.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// The color as `#rrggbb`; `null` for none.
    pub color: Option<String>,
    /// Rises with every change.
    pub version: i64,
}
