//! A sign-in that a person completes on another device (RFC 8628): a program shows a short code, and never sees a password.

use crate::{Secret, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The body of `POST /v1/auth/device`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartDevice {}

/// The codes of a program that wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCode {
    /// The program keeps it, and exchanges it for tokens.
    pub device_code: Secret,
    /// The program shows it; the person types it on the page. Like `BDWP-HQPK`.
    pub user_code: String,
    /// The page. Relative to the server's address where the server has no `public_url`.
    pub verification_url: String,
    /// Seconds until both codes end.
    pub expires_in: u64,
    /// Seconds between two attempts to exchange the code.
    pub interval: u64,
}

/// The body of `POST /v1/auth/device/approve`. The caller is who approves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveDevice {
    /// What the program shows. Case, spaces and hyphens do not count.
    #[schemars(length(max = 32))]
    pub user_code: String,
    /// Whether the program may sign in as the caller; `true` when omitted.
    #[serde(default = "yes")]
    pub approve: bool,
}

fn yes() -> bool {
    true
}

/// The body of `POST /v1/auth/device/token`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemDeviceCode {
    /// The program's code.
    pub device_code: Secret,
    /// The name of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::DEVICE_NAME))]
    pub device_name: Option<String>,
}

/// The answer while nobody has approved yet: ask again after `interval` seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DevicePending {
    /// Always `pending`.
    pub status: Pending,
}

/// The word `pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pending {
    /// Nobody has approved or refused yet.
    Pending,
}
