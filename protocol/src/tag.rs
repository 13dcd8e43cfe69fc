//! Tags: the names that tasks carry, with a color.

use crate::{
    Patch, TagId, WorkspaceId, limits,
    optional::{given, nullable},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A tag: a name for tasks of a workspace. A task's `tags` are names; the first task with a new name makes the tag. A tag
/// stays when no task carries it any more, also when its last task is purged. `Home` and `home` are one tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    /// The tag.
    pub id: TagId,
    /// The workspace that contains it.
    pub workspace_id: WorkspaceId,
    /// Its name, as all tasks carry it.
    pub name: Arc<str>,
    /// The color as `#rrggbb`; `null` for none.
    pub color: Option<String>,
    /// Rises with every change.
    pub version: i64,
}

/// Parameters of `tag.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTag {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// 1 to 50 characters. A name that is taken, whatever its case, is a `CONFLICT`.
    #[schemars(length(min = 1, max = limits::TAG))]
    #[schemars(example = &"errands", example = &"bills", example = &"garden")]
    pub name: String,
    /// The color as `#rrggbb`; none when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "#3b82f6", example = ())]
    pub color: Option<String>,
}

/// Parameters of `tag.update`: only what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateTag {
    /// The tag.
    pub id: TagId,
    /// 1 to 50 characters; all tasks that carry the tag change. If another tag has this name, the two become one: the other
    /// tag stays and is the answer, its name takes this one's place in the tasks, and this tag is deleted.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TAG))]
    #[schemars(example = &"shopping", example = &"Bills")]
    pub name: Option<String>,
    /// The color as `#rrggbb`.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(schema_with = "nullable::<String>")]
    #[schemars(example = "#22c55e", example = ())]
    pub color: Patch<String>,
}

/// Parameters of `tag.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteTag {
    /// The tag.
    pub id: TagId,
}

/// Parameters of `tag.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListTags {
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

/// The payload of `tag.deleted`, and the answer to `tag.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TagDeleted {
    /// The tag.
    pub id: TagId,
    /// The version after its last one.
    pub version: i64,
}
