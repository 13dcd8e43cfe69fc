//! Accounts: what users see of themselves, and what others see of them. `sign_in` has the sessions, `api_token` the tokens
//! of programs, `by_mail` what mails prove, `first_admin` how a server gets its first administrator.

use crate::{
    Email, Timestamp, UserId, invite::Invite, notification::Notification, operations::Nothing,
    workspace::Workspace,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

mod api_token;
mod by_mail;
mod device;
mod first_admin;
mod profile;
mod sign_in;

pub use api_token::{
    ApiToken, ApiTokenId, ApiTokenList, ApiTokenRevoked, ApiTokenScope, CreateApiToken, ListApiTokens,
    RevokeApiToken,
};
pub use by_mail::{
    ChangeEmail, ForgotPassword, NextStep, ResendVerification, ResetPassword, VerifyEmail, VerifyFirst,
};
pub use device::{ApproveDevice, DeviceCode, DevicePending, Pending, RedeemDeviceCode, StartDevice};
pub use first_admin::BecomeFirstAdmin;
pub use profile::{DeleteProfile, UpdateProfile};
pub use sign_in::{
    AllStreams, Authenticate, ChangePassword, ClientInfo, ListSessions, LogIn, LogOut, LogOutAll, RenewAuth,
    Renewed, Resume, RevokeSession, Session, SessionList, SessionRevoked, SignUp, Streams, Tokens,
};

/// What an account may do on the whole server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GlobalRole {
    /// An ordinary account.
    #[default]
    User,
    /// May administer the server.
    Admin,
}

/// The plan of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// The free plan.
    #[default]
    Free,
    /// The paid plan.
    Pro,
}

/// A user, as others see them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicUser {
    /// The account.
    pub id: UserId,
    /// Unique, ignoring case.
    pub username: Arc<str>,
    /// The display name.
    pub name: Arc<str>,
    /// The path of the photo on this server, which changes with the photo; `null` when there is none.
    pub photo_url: Option<Arc<str>>,
}

/// The user's own account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The account.
    pub id: UserId,
    /// Unique, ignoring case.
    pub username: Arc<str>,
    /// The display name.
    pub name: Arc<str>,
    /// Unique, ignoring case.
    pub email: Email,
    /// What the account may do on the whole server.
    pub role: GlobalRole,
    /// The plan.
    pub plan: Plan,
    /// False: the user is signed out everywhere and cannot sign in.
    pub is_active: bool,
    /// Whether the e-mail address is verified.
    pub is_verified: bool,
    /// An IANA time zone.
    pub timezone: Arc<str>,
    /// The user's settings. The server reads `notifications`; the rest is for clients. See `profile.update`.
    pub preferences: Map<String, Value>,
    /// The path of the photo on this server, which changes with the photo; `null` when there is none.
    pub photo_url: Option<Arc<str>>,
    /// Rises with every change.
    pub version: i64,
    /// When the account was created.
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
    /// A user who shares a workspace with the caller.
    pub id: UserId,
}

/// Parameters of `user.sync`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SyncUser {}

/// A snapshot of a user's own data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSnapshot {
    /// The state is the one after the event with this `seq`; the next event has `seq` + 1.
    pub seq: u64,
    /// The account.
    pub user: User,
    /// The user's workspaces, with the user's role in each.
    pub workspaces: Vec<Workspace>,
    /// Invitations that the user has not answered.
    pub invites: Vec<Invite>,
    /// The newest 100 notifications.
    pub notifications: Vec<Notification>,
    /// The number of unread notifications.
    pub unread: u64,
}

/// An empty answer.
pub type Done = Nothing;
