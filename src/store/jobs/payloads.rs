//! The payloads of jobs that mutations enqueue. `jobs` has their code.

use super::Payload;
use serde::{Deserialize, Serialize};
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{TaskId, UserId, WorkspaceId};

/// Shows a user's profile, as it is when the job runs, in the workspaces of the user.
#[derive(Debug, Serialize, Deserialize)]
pub struct SpreadProfile {
    /// The user.
    pub user: UserId,
    /// Who made the last change of the profile.
    pub actor: Actor,
}

impl Payload for SpreadProfile {
    const KIND: &'static str = "spread_profile";
}

/// Looks again when a user is to be told about tasks: the time zone, the preferences or the memberships changed.
#[derive(Debug, Serialize, Deserialize)]
pub struct LookAgain {
    /// The user.
    pub user: UserId,
}

impl Payload for LookAgain {
    const KIND: &'static str = "look_again";
}

/// Erases what a deleted account has left.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EraseAccount {
    /// The user.
    pub user: UserId,
    /// Who deleted the account.
    pub actor: Actor,
    /// The entry of the user's log that tells of the deletion: the only one that stays.
    pub entry: i64,
    /// It runs some time after the deletion, and also erases what others may have needed until then.
    pub last: bool,
}

impl Payload for EraseAccount {
    const KIND: &'static str = "erase_account";
}

/// Erases a workspace that has no members any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraseWorkspace {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Who deleted it, if its members must still be told.
    #[serde(default)]
    pub actor: Option<Actor>,
}

impl Payload for EraseWorkspace {
    const KIND: &'static str = "erase_workspace";
}

/// Shows a user the invitations that name their verified address.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShowInvites {
    /// The user.
    pub user: UserId,
}

impl Payload for ShowInvites {
    const KIND: &'static str = "show_invites";
}

/// Makes tags of the names that tasks have and no tag: an older version put them there. A migration enqueues it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AdoptTags;

impl Payload for AdoptTags {
    const KIND: &'static str = "adopt_tags";
}

/// Removes the files of attachments that no task of a workspace has any more.
#[derive(Debug, Serialize, Deserialize)]
pub struct RemoveFiles {
    /// The workspace.
    pub workspace: WorkspaceId,
}

impl Payload for RemoveFiles {
    const KIND: &'static str = "remove_files";
}

/// Takes the name of a deleted user out of the log of a workspace that they left.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetName {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The user.
    pub user: UserId,
}

impl Payload for ForgetName {
    const KIND: &'static str = "forget_name";
}

/// Forgets what was told about a task that was purged: in the logs, and in notifications.
#[derive(Debug, Serialize, Deserialize)]
pub struct ForgetTask {
    /// The task.
    pub task: TaskId,
}

impl Payload for ForgetTask {
    const KIND: &'static str = "forget_task";
}

/// Takes a person from the tasks of a workspace that they left.
#[derive(Debug, Serialize, Deserialize)]
pub struct Unassign {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The person.
    pub user: UserId,
    /// Who took them out of it, or they themselves.
    pub actor: Actor,
}

impl Payload for Unassign {
    const KIND: &'static str = "unassign";
}
