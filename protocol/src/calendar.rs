//! The calendar feed of a person: an address that calendar programs read, without a sign-in.

use crate::{Secret, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Parameters of `calendar.create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateCalendar {}

/// A calendar feed. Who has its address reads it: only `calendar.create` shows it, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// Its address, for a calendar program; a path on this server if the server does not know where people reach it
    /// (`public_url`).
    pub url: Secret,
    /// The secret in the address: `tw_cal_…`.
    pub secret: Secret,
}

/// Parameters of `calendar.revoke`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeCalendar {}

/// The payload of `calendar.created`. A feed that was there before has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarCreated {
    /// When it was made.
    pub created_at: Timestamp,
}

/// The payload of `calendar.revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CalendarRevoked {
    /// When the feed that ended was made.
    pub created_at: Timestamp,
}
