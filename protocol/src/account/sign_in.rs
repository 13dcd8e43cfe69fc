//! How a socket or a device signs in, and the sessions that this makes.

use super::User;
use crate::{SessionId, Timestamp, examples::PASSWORD, limits, optional::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    #[schemars(example = "{access_token}")]
    pub token: String,
    /// What the program says about itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientInfo>,
    /// Which streams to follow; `"all"` when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<Streams>")]
    #[schemars(example = AllStreams::All)]
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
    #[schemars(example = "{new_email}")]
    pub email: String,
    /// 8 to 128 characters, not a common one.
    #[schemars(length(min = limits::PASSWORD_MIN, max = limits::PASSWORD))]
    #[schemars(example = PASSWORD)]
    pub password: String,
    /// The display name.
    #[schemars(length(min = limits::NAME_MIN, max = limits::NAME))]
    #[schemars(example = &"Ada")]
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
    #[schemars(example = "{email}")]
    pub email: String,
    /// Its password.
    #[schemars(example = "{password}")]
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
    #[schemars(example = "{access_token}")]
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

/// The payload of `session.revoked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRevoked {
    /// The session.
    pub id: SessionId,
}
