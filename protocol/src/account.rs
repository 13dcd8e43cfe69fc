//! Accounts: people, as they see themselves and as others see them. `sign_in` has their sessions.

use crate::{
    Timestamp, UserId, invite::Invite, notification::Notification, operations::Nothing, workspace::Workspace,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

mod sign_in;

pub use sign_in::{
    AllStreams, Authenticate, ClientInfo, LogIn, LogOut, RenewAuth, Renewed, Resume, Session, SessionRevoked,
    SignUp, Streams, Tokens,
};

/// What somebody may do on the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GlobalRole {
    /// Everybody.
    #[default]
    User,
    /// May administer the server.
    Admin,
}

/// What somebody pays for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Nothing.
    #[default]
    Free,
    /// Something.
    Pro,
}

/// A person, as others see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicUser {
    /// The account.
    pub id: UserId,
    /// Unique, ignoring case.
    pub username: Arc<str>,
    /// The display name.
    pub name: Arc<str>,
    /// Where the photo is, when there is one.
    pub photo_url: Option<Arc<str>>,
}

/// A person's own account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// Unique, ignoring case.
    pub username: Arc<str>,
    /// The display name.
    pub name: Arc<str>,
    /// Unique, ignoring case.
    pub email: Arc<str>,
    /// What they may do on the whole server.
    pub role: GlobalRole,
    /// What they pay for.
    pub plan: Plan,
    /// False: signed out everywhere and cannot sign in.
    pub is_active: bool,
    /// Whether the address was verified.
    pub is_verified: bool,
    /// An IANA time zone.
    pub timezone: Arc<str>,
    /// Theirs; `notifications` is the part that the server reads.
    pub preferences: Map<String, Value>,
    /// Where the photo is, when there is one.
    pub photo_url: Option<Arc<str>>,
    /// Grows with every change.
    pub version: i64,
    /// When they signed up.
    pub created_at: Timestamp,
    /// When the account last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// What others may see.
    #[must_use]
    pub fn public(&self) -> PublicUser {
        PublicUser {
            id: self.id,
            username: self.username.clone(),
            name: self.name.clone(),
            photo_url: self.photo_url.clone(),
        }
    }
}

/// Parameters of `profile.get`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetProfile {}

/// Parameters of `user.get`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetUser {
    /// Somebody who shares a workspace with the caller.
    pub id: UserId,
}

/// Parameters of `user.sync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncUser {}

/// The state of a user's stream at `seq`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSnapshot {
    /// This state is the one after the event with this `seq`; the next event is `seq` + 1.
    pub seq: u64,
    /// The account.
    pub user: User,
    /// Every workspace of theirs, with their role.
    pub workspaces: Vec<Workspace>,
    /// Invitations that wait for an answer.
    pub invites: Vec<Invite>,
    /// The newest 100 notifications.
    pub notifications: Vec<Notification>,
    /// How many notifications are unread.
    pub unread: u64,
}

/// An empty answer.
pub type Done = Nothing;
