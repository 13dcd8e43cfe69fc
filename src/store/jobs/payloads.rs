//! The payloads of jobs that mutations enqueue. `jobs` has their code.

use super::Payload;
use serde::{Deserialize, Serialize};
use taskwire_protocol::UserId;
use taskwire_protocol::frames::Actor;

/// Shows a user's profile, as it is when the job runs, in the workspaces of the user.
#[derive(Debug, Serialize, Deserialize)]
pub struct SpreadProfile {
    /// The user.
    pub user: UserId,
    /// Who made the last change of the profile.
    pub actor: Actor,
}

impl Payload for SpreadProfile {
    const KIND: &'static str = "spread_profile";
}
