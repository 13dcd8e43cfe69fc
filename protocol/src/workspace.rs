//! Workspaces: each holds the tasks of a team or of one person.

use crate::{
    Timestamp, UserId, WorkspaceId, limits,
    member::{Member, Role},
    optional::given,
    project::Project,
    stage::{DefineStage, Stage, Stages, example},
    tag::Tag,
    task::Task,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether a workspace is personal or shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// Created at signup; cannot be left, shared or deleted.
    Personal,
    /// Shared by a team.
    Team,
}

/// A workspace, as one of its members sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Workspace {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Arc<str>,
    /// Personal or shared.
    pub kind: WorkspaceKind,
    /// The reader's role. In events of the workspace's own stream, which all members share, it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The stages of its tasks, in the order of its board. At least one is of kind `open`, and one of kind `done`.
    #[serde(default)]
    #[schemars(with = "Vec<Stage>")]
    pub stages: Stages,
    /// Rises with every change.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A workspace's id and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceName {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Arc<str>,
}

/// Parameters of `workspace.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWorkspace {
    /// 1 to 100 characters.
    #[schemars(length(min = 1, max = limits::WORKSPACE_NAME))]
    #[schemars(example = &"Garden", example = &"Kitchen")]
    pub name: String,
}

/// Parameters of `workspace.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListWorkspaces {
    /// Items of a page; 50 when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::PAGE))]
    #[schemars(example = 50)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Parameters of `workspace.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetWorkspace {
    /// The workspace.
    pub workspace_id: WorkspaceId,
}

/// Parameters of `workspace.update`. Omitted fields stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateWorkspace {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// 1 to 100 characters.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::WORKSPACE_NAME))]
    #[schemars(example = &"Garden", example = &"Kitchen")]
    pub name: Option<String>,
    /// All stages, 2 to 20, in the order of the board; at least one of kind `open` and one of kind `done`. Tasks of a
    /// stage that goes away move to the first one of its kind, or else to the first of kind `open`. A stage whose kind
    /// changes completes or reopens its tasks.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<DefineStage>", length(min = limits::STAGES_MIN, max = limits::STAGES))]
    #[schemars(example = example(1), example = example(2), example = example(0))]
    pub stages: Option<Vec<DefineStage>>,
}

/// Parameters of `workspace.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteWorkspace {
    /// A team's workspace.
    pub workspace_id: WorkspaceId,
}

/// Parameters of `workspace.leave`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveWorkspace {
    /// A team's workspace.
    pub workspace_id: WorkspaceId,
}

/// Parameters of `workspace.transfer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferWorkspace {
    /// A team's workspace.
    pub workspace_id: WorkspaceId,
    /// The member who becomes an owner.
    pub user_id: UserId,
}

/// Parameters of `workspace.sync`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncWorkspace {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The `next_cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Leaves out completed and deleted tasks. Events carry whole tasks, so a replica without them stays right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_only: Option<bool>,
}

/// The first line of a workspace's snapshot over HTTP. Each line after it is a task. Then subscribe to the stream since
/// `seq`: a task may be newer than that, so take an event when its version is greater or equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotOpening {
    /// The state is the one after the event with this `seq`.
    pub seq: u64,
    /// The workspace.
    pub workspace: Workspace,
    /// All members.
    pub members: Vec<Member>,
    /// All projects.
    pub projects: Vec<Project>,
    /// All tags.
    pub tags: Vec<Tag>,
}

/// A page of a workspace's snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceSnapshot {
    /// On the first page: the state is the one after the event with this `seq`, and the next event has `seq` + 1.
    pub seq: u64,
    /// The cursor of the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The workspace, on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Workspace>,
    /// All members, on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
    /// All projects, on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projects: Option<Vec<Project>>,
    /// All tags, on the first page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// Tasks ordered by id, deleted ones included.
    pub tasks: Vec<Task>,
}

/// The payload of `workspace.deleted`, the last event of its stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceDeleted {
    /// The workspace.
    pub id: WorkspaceId,
    /// Its version, greater than any before.
    pub version: i64,
}

/// The payload of `access.granted`: the user's socket follows the workspace from the event after `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessGranted {
    /// The workspace.
    pub workspace: Workspace,
    /// The user's role in it.
    pub role: Role,
    /// The head of the workspace's stream at that moment.
    pub seq: u64,
}

/// The payload of `access.changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessChanged {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The new role.
    pub role: Role,
}

/// The payload of `access.lost`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessLost {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// Why access ended.
    pub reason: AccessLostReason,
}

/// Why access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessLostReason {
    /// The member was removed.
    Removed,
    /// The member left.
    Left,
    /// The workspace was deleted.
    Deleted,
}
