//! API tokens: what a program acts with in place of its user. Bots and CI use them like access tokens.

use crate::{Secret, Timestamp, WorkspaceId, limits, optional::or_default};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

ids! {
    /// An API token. In `welcome.session` and `admin.connections` it is the session's id.
    ApiTokenId;
}

/// What an API token may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApiTokenScope {
    /// Query and follow streams.
    Read,
    /// Also change what the user may change in workspaces, and be present there.
    #[default]
    Write,
}

/// An API token, without what only the account itself may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiToken {
    /// The token's id. It is no secret.
    pub id: ApiTokenId,
    /// Its name. Events that it causes have it in `actor.token`.
    pub name: String,
    /// The token itself, `tw_pat_…`. Only `api_token.create` shows it, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// What it may do.
    pub scope: ApiTokenScope,
    /// The workspaces that it sees, among those of its user; `null` for all, also later ones.
    pub workspace_ids: Option<Vec<WorkspaceId>>,
    /// From when on it is refused; `null` for never.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to about a minute; `null` if never.
    pub last_used_at: Option<Timestamp>,
}

/// Parameters of `api_token.create`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiToken {
    /// The name, for people: where the token is used.
    #[schemars(length(min = 1, max = limits::API_TOKEN_NAME))]
    #[schemars(example = &"build server")]
    pub name: String,
    /// When it ends; never when omitted. In the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What it may do; `write` when omitted.
    #[serde(default, deserialize_with = "or_default")]
    #[schemars(with = "Option<ApiTokenScope>")]
    #[schemars(example = ApiTokenScope::Read)]
    pub scope: ApiTokenScope,
    /// The workspaces of the caller that it sees; all when omitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::API_TOKEN_WORKSPACES))]
    pub workspace_ids: Option<Vec<WorkspaceId>>,
}

/// Parameters of `api_token.list`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListApiTokens {}

/// The answer to `api_token.list`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiTokenList {
    /// The caller's API tokens, oldest first. Those that expired stay for 30 days.
    pub items: Vec<ApiToken>,
}

/// Parameters of `api_token.revoke`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeApiToken {
    /// One of the caller's API tokens.
    #[schemars(example = "{api_token}")]
    pub id: ApiTokenId,
}

/// The payload of `api_token.revoked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiTokenRevoked {
    /// The token that ended. Its sockets close with 4403.
    pub id: ApiTokenId,
}
