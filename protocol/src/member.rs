//! Members of a workspace, and what each may do.

use crate::{Email, InviteId, Timestamp, UserId, WorkspaceId, account::PublicUser, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a member may do. Each role includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May read.
    Viewer,
    /// May also change tasks.
    Member,
    /// May also manage members.
    Admin,
    /// May do everything.
    Owner,
}

/// A member of a workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The user.
    pub user: PublicUser,
    /// Their role.
    pub role: Role,
    /// When the user joined.
    pub joined_at: Timestamp,
    /// Rises with every change.
    pub version: i64,
}

/// The payload of `member.added`: the member, and the invitation by which they joined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberJoined {
    /// The member.
    #[serde(flatten)]
    pub member: Member,
    /// The invitation that the member accepted. Left out for a member whom somebody added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite_id: Option<InviteId>,
}

impl From<Member> for MemberJoined {
    fn from(member: Member) -> MemberJoined {
        MemberJoined {
            member,
            invite_id: None,
        }
    }
}

/// Parameters of `member.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListMembers {
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

/// Parameters of `member.add`: exactly one of `username` and `email`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddMember {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The user's username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{newcomer}")]
    pub username: Option<String>,
    /// The user's e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The new role; at most the caller's own.
    #[schemars(example = Role::Member, example = Role::Viewer, example = Role::Admin)]
    pub role: Role,
}

/// Parameters of `member.update`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateMember {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The user.
    pub user_id: UserId,
    /// The new role; at most the caller's own.
    #[schemars(example = Role::Member, example = Role::Viewer, example = Role::Admin)]
    pub role: Role,
}

/// Parameters of `member.remove`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveMember {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The user.
    pub user_id: UserId,
}

/// The payload of `member.removed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    /// The user.
    pub user_id: UserId,
}
