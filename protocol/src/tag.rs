//! Tags: names for tasks, with a color.

use crate::WorkspaceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A name that tasks can bear.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// The tag.
    pub id: Uuid,
    /// Where it is.
    pub workspace_id: WorkspaceId,
    /// Its name.
    pub name: String,
    /// Its color as `#rrggbb`; `null` for none.
    pub color: Option<String>,
    /// Grows with every change.
    pub version: i64,
}
