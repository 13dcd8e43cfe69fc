//! Accounts: people, their sessions, and how a socket or device signs in.

use crate::{SessionId, Timestamp, UserId, limits, operations::Nothing, patch::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

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

/// What a program says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientInfo {
    /// Like `tw`.
    pub name: String,
    /// Like `0.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// What the device calls itself.
    pub device_name: Option<String>,
    /// The program, like `tw/0.1.0`.
    pub client: Option<String>,
    /// The address it signed in from.
    pub address: Option<String>,
    /// When it signed in.
    pub created_at: Timestamp,
    /// When it last got a token.
    pub last_seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// What a sign-in gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Proves who is calling; a JWT (RFC 7519).
    pub access_token: String,
    /// Always `Bearer` (RFC 6750).
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// Gets the next pair, once; over HTTP without `"token_delivery":"body"` it is a cookie instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Whose they are.
    pub user: User,
}

/// Which streams a socket follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Streams {
    /// `"all"`: the user's own and every workspace they belong to or will.
    All(AllStreams),
    /// These.
    These(Vec<String>),
}

impl Default for Streams {
    fn default() -> Self {
        Streams::All(AllStreams::All)
    }
}

/// The word `all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllStreams {
    /// The user's own and every workspace they belong to or will.
    All,
}

/// Where a client stands in each stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The `epoch` of the `welcome` in which the positions were valid.
    pub epoch: String,
    /// The last `seq` applied of each stream, by its name.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<BTreeMap<String, u64>>")]
    pub positions: BTreeMap<String, u64>,
}

/// Parameters of `auth`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authenticate {
    /// The access token.
    pub token: String,
    /// What the program says about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// Which streams to follow; `"all"` when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Streams>")]
    pub streams: Streams,
    /// Where to go on after a lost connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// Parameters of `auth.signup`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// Unique, ignoring case.
    #[schemars(length(max = limits::EMAIL))]
    pub email: String,
    /// 8 to 128 characters, not a common one.
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    pub password: String,
    /// The display name.
    #[schemars(length(min = limits::NAME_MIN, max = limits::NAME))]
    pub name: String,
    /// 3 to 32 of `a-z 0-9 _ . -`, unique ignoring case; made from the e-mail address when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = limits::USERNAME_MIN, max = limits::USERNAME))]
    pub username: Option<String>,
    /// What the device calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
}

/// Parameters of `auth.login`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The address of the account.
    pub email: String,
    /// Its password.
    pub password: String,
    /// What the device calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
}

/// Parameters of `auth.renew`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewAuth {
    /// A fresh access token of the same user and session.
    pub token: String,
}

/// What `auth.renew` answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Renewed {
    /// When the socket's authentication ends now.
    pub expires_at: Timestamp,
}

/// Parameters of `auth.logout`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogOut {}

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
    pub workspaces: Vec<crate::workspace::Workspace>,
    /// Invitations that wait for an answer.
    pub invites: Vec<crate::workspace::Invite>,
    /// The newest 100 notifications.
    pub notifications: Vec<crate::notification::Notification>,
    /// How many notifications are unread.
    pub unread: u64,
}

/// The payload of `session.revoked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRevoked {
    /// The session.
    pub id: SessionId,
}

/// An empty answer.
pub type Done = Nothing;
