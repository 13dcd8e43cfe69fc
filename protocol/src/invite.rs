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
    /// The workspace.
    pub workspace: WorkspaceName,
    /// The e-mail address of the invited person.
    pub email: String,
    /// The role that the person will have.
    pub role: Role,
    /// The member who invited.
    pub invited_by: PublicUser,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
}
