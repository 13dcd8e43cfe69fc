//! The first administrator of a server, by the link that a node without one makes at its start.

use crate::{Email, Secret, examples::PASSWORD, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/auth/first-admin`. If the address has an account, that account becomes the administrator, and
/// this must be its password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BecomeFirstAdmin {
    /// What follows the `#` of the link.
    pub token: Secret,
    /// The address of the account, which counts as verified if the account is new.
    #[schemars(length(max = limits::EMAIL))]
    pub email: Email,
    /// The account's password. A new one has 8 to 128 characters and is not a common one.
    #[schemars(length(max = limits::PASSWORD))]
    #[schemars(example = PASSWORD)]
    pub password: Secret,
    /// The display name of a new account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = limits::NAME_MIN, max = limits::NAME))]
    pub name: Option<String>,
    /// The name of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
}
