//! What users change about their own account.

use crate::{Secret, limits, optional::given, patch::Patch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Parameters of `profile.update`: only what changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateProfile {
    /// The display name.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = limits::NAME_MIN, max = limits::NAME))]
    #[schemars(example = "Ada Lovelace", example = "Ada King", example = "A. A. L.")]
    pub name: Option<String>,
    /// 3 to 32 characters of `a-z 0-9 _ . -`, unique ignoring case.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = limits::USERNAME_MIN, max = limits::USERNAME))]
    pub username: Option<String>,
    /// A name of the IANA time zone database, like `Europe/Paris`.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    #[schemars(example = "Europe/London", example = &"UTC")]
    pub timezone: Option<String>,
    /// The settings to change: a key that is given replaces the value that it had, `null` removes it, and all other keys
    /// stay. `null` in place of the object removes all. At most 16 KiB of JSON altogether, nested at most 8 levels deep.
    ///
    /// `notifications` belongs to the server: `{types?: {TYPE: boolean}, email?: boolean, own_acts?: "unread"|"read"|"off",
    /// due_lead_minutes?: 0 to 10080}`. A type that is `false` is not made; `SECURITY` and `PASSWORD_CHANGED` cannot be
    /// turned off. What the user does themselves is told unread, read from the start, or not at all, as `own_acts` says. All
    /// other keys belong to clients.
    #[serde(default, skip_serializing_if = "Patch::is_keep")]
    #[schemars(example = example(), example = ())]
    pub preferences: Patch<Map<String, Value>>,
}

fn example() -> Value {
    serde_json::json!({ "notifications": { "types": { "TASK_UPDATED": false }, "own_acts": "read" } })
}

/// Parameters of `profile.delete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteProfile {
    /// The account's password.
    #[schemars(example = "{password}")]
    pub password: Secret,
}
