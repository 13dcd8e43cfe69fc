//! Signing in on a socket or a device, and sessions.

use super::User;
use crate::{Email, Secret, SessionId, Timestamp, examples::PASSWORD, json, limits, optional::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name and version of a client program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientInfo {
    /// The name, like `tw`.
    pub name: String,
    /// The version, like `0.1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// One sign-in on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// The session.
    pub id: SessionId,
    /// The name of the device.
    pub device_name: Option<String>,
    /// The client program, like `tw/0.1.0`.
    pub client: Option<String>,
    /// The network address that it signed in from.
    pub address: Option<String>,
    /// When the sign-in was.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// Whether it is the caller's session.
    pub current: bool,
}

/// The tokens that a sign-in returns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// The access token, a JWT (RFC 7519).
    pub access_token: Secret,
    /// Always `Bearer` (RFC 6750).
    pub token_type: String,
    /// Seconds until the access token ends.
    pub expires_in: u64,
    /// Good for one refresh; if the answer to it is lost, for a repetition within 30 seconds, which gives the same next
    /// token. An older one ends the session. Over HTTP it is a cookie instead, unless the request says `"token_delivery":"body"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// The account that signed in.
    pub user: User,
}

/// Which streams a socket follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Streams {
    /// `"all"`: the user's own stream and that of every workspace that they belong to or join later.
    All(AllStreams),
    /// These streams.
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
    /// The user's own stream and that of every workspace that they belong to or join later.
    All,
}

/// The client's position in each stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The `epoch` from the `welcome` for which the positions are valid.
    pub epoch: String,
    /// The last `seq` that the client applied, by the name of the stream.
    #[serde(default, deserialize_with = "json::map")]
    #[schemars(with = "Option<BTreeMap<String, u64>>")]
    pub positions: BTreeMap<String, u64>,
}

/// Parameters of `auth`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authenticate {
    /// The access token.
    #[schemars(example = "{access_token}")]
    pub token: Secret,
    /// The name and version of the client program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// Which streams to follow; `"all"` when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Streams>")]
    #[schemars(example = AllStreams::All)]
    pub streams: Streams,
    /// Where to continue after a lost connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// Parameters of `auth.signup`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignUp {
    /// Unique. Case does not count where the part before the `@` is ASCII; any other is kept character by character. Domains
    /// are compared as DNS sees them (UTS #46).
    #[schemars(length(max = limits::EMAIL))]
    #[schemars(example = "{new_email}")]
    pub email: Email,
    /// 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused.
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    #[schemars(example = PASSWORD)]
    pub password: Secret,
    /// The display name.
    #[schemars(length(min = limits::NAME_MIN, max = limits::NAME))]
    #[schemars(example = &"Ada")]
    pub name: String,
    /// 3 to 32 characters of `a-z 0-9 _ . -`, unique ignoring case. Derived from the e-mail address when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = limits::USERNAME_MIN, max = limits::USERNAME))]
    pub username: Option<String>,
    /// The name of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
}

/// Parameters of `auth.login`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// The e-mail address of the account.
    #[schemars(example = "{email}")]
    pub email: Email,
    /// The password.
    #[schemars(example = "{password}")]
    pub password: Secret,
    /// The name of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
    /// A refresh token of the account, also of a session that has ended: it shows that the device is known. A stranger's
    /// failed sign-ins do not lock out known devices. It is not used up. Over HTTP the cookie does the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
}

/// Parameters of `auth.renew`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenewAuth {
    /// A fresh access token of the same user and session.
    #[schemars(example = "{access_token}")]
    pub token: Secret,
}

/// The answer to `auth.renew`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Renewed {
    /// When the socket's authentication now ends.
    pub expires_at: Timestamp,
}

/// Parameters of `auth.logout`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogOut {}

/// Parameters of `auth.logout_all`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogOutAll {}

/// Parameters of `auth.change_password`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is now.
    #[schemars(example = "{password}")]
    pub current_password: Secret,
    /// 8 to 128 characters, compared as RFC 8265 (OpaqueString) says. Common passwords are refused.
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    #[schemars(example = PASSWORD)]
    pub new_password: Secret,
}

/// Parameters of `auth.sessions`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListSessions {}

/// The answer to `auth.sessions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionList {
    /// The sessions, newest first; of very many, the newest 500.
    pub items: Vec<Session>,
}

/// Parameters of `auth.revoke_session`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeSession {
    /// One of the caller's sessions.
    pub id: SessionId,
}

/// The payload of `session.revoked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRevoked {
    /// The session.
    pub id: SessionId,
}
