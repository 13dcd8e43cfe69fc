//! A sign-in between its begin and its outcome. It counts as failed until then, so that many tries at once are limited
//! as well, and so that nobody escapes by hanging up.

use super::{Key, Limits, Mark};

/// Whether the device is known to the account. A stranger's failures do not lock out known devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// It has a refresh token of the account, or is in a network from which the account signed in lately.
    Known,
    /// Any other.
    Stranger,
}

impl Device {
    pub(super) fn name(self) -> &'static str {
        match self {
            Device::Known => "failures_known",
            Device::Stranger => "failures",
        }
    }
}

/// A sign-in that was counted for its network, before anything was read for it. Without a network nothing was counted.
#[must_use = "the sign-in continues with `begin_sign_in`"]
#[derive(Debug, Default)]
pub struct Entered(pub(super) Option<(Key, Mark)>);

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The password was right: earlier failures of such devices are forgotten.
    Succeeded,
    /// It was wrong.
    Failed,
    /// Nobody knows: the server was busy, or the database was away. It counts as if it had not been tried.
    Undecided,
}

/// A sign-in whose outcome is not known yet.
#[must_use = "without an outcome it stays counted as failed"]
#[derive(Debug)]
pub struct Trial<'a>(Option<Counted<'a>>);

#[derive(Debug)]
struct Counted<'a> {
    limits: &'a Limits,
    device: Device,
    key: Key,
    mark: Mark,
}

impl<'a> Trial<'a> {
    pub(super) fn uncounted() -> Trial<'a> {
        Trial(None)
    }

    pub(super) fn counted(limits: &'a Limits, device: Device, key: Key, mark: Mark) -> Trial<'a> {
        Trial(Some(Counted {
            limits,
            device,
            key,
            mark,
        }))
    }

    /// Tells the outcome.
    pub async fn end(self, outcome: Outcome) {
        let Some(Counted {
            limits,
            device,
            key,
            mark,
        }) = self.0
        else {
            return;
        };
        let Some(on) = &limits.on else { return };
        match (outcome, &on.shared, mark.shared) {
            (Outcome::Failed, ..) => {}
            (Outcome::Succeeded, ..) => on.succeed(device, key).await,
            (Outcome::Undecided, Some(shared), Some(name)) => shared.undo(device.name(), key, name).await,
            (Outcome::Undecided, ..) => on.locks(device).undo(key, mark.at_ms),
        }
    }
}
