//! Invitations to a workspace.

use crate::{Timestamp, account::PublicUser, member::Role, workspace::WorkspaceName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An invitation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    /// The invitation.
    pub id: Uuid,
    /// The workspace that it invites to.
    pub workspace: WorkspaceName,
    /// The address of who is invited.
    pub email: String,
    /// The role that it offers.
    pub role: Role,
    /// Who invited.
    pub invited_by: PublicUser,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}
