//! Invitations to a workspace: by e-mail address, or by a link for anybody.

use crate::{
    Email, InviteId, Secret, Timestamp, WorkspaceId, account::PublicUser, limits, member::Role,
    workspace::WorkspaceName,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An invitation, as the invited person sees it. The names are those of the moment at which it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    /// The invitation.
    pub id: Uuid,
    /// The workspace.
    pub workspace: WorkspaceName,
    /// The e-mail address of the invited person.
    pub email: Email,
    /// The role that the person will have.
    pub role: Role,
    /// The member who invited.
    pub invited_by: PublicUser,
    /// From then on it is refused. `invite.revoked` comes some minutes later; until then `user.sync` has it.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An invitation, as the workspace's admins see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SentInvite {
    /// The invitation.
    pub id: InviteId,
    /// The workspace.
    pub workspace: WorkspaceName,
    /// The e-mail address of the invited person; `null` for a link for anybody.
    pub email: Option<Email>,
    /// The role that the person will have.
    pub role: Role,
    /// The member who invited.
    pub invited_by: PublicUser,
    /// How many may accept it; `null` for any number.
    pub max_uses: Option<u32>,
    /// How many accepted it.
    pub uses: u32,
    /// From then on it is refused, and `invite.list` does not show it.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// The link's token, in the answer to `invite.create` only. The token of a mailed invitation is in the mail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
}

/// Parameters of `invite.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateInvite {
    /// A team's workspace.
    pub workspace_id: WorkspaceId,
    /// The new member's role; at most the caller's own.
    #[schemars(example = Role::Member, example = Role::Viewer, example = Role::Admin)]
    pub role: Role,
    /// Whom to invite: the address gets a mail, and an older invitation of the address ends. Omitted: a link for anybody,
    /// whose token is in the answer. A link cannot be made in a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::EMAIL))]
    #[schemars(example = "{new_email}")]
    pub email: Option<Email>,
    /// How many may accept a link; any number when omitted. An invitation by address has one use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::INVITE_USES))]
    pub max_uses: Option<u32>,
}

/// Parameters of `invite.accept`: exactly one of `token` and `id`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptInvite {
    /// The token of the link or mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// An invitation by address, for the person whose verified address it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = "{invite}")]
    pub id: Option<InviteId>,
}

/// Parameters of `invite.revoke`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeInvite {
    /// The invitation.
    pub id: InviteId,
}

/// Parameters of `invite.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListInvites {
    /// A team's workspace.
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

/// The payload of `invite.created` and `invite.revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InviteChanged {
    /// The invitation.
    pub id: InviteId,
}
