//! A sign-in that a person completes on another device: the approval, and the session that it begins. Whether a code is
//! right is checked before (`auth/device_codes`); here, under the lock of the account's stream, an approval is used once.

use super::notices::{Notice, tell};
use super::sessions::{begin, later};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result, conflict, json};
use crate::store::device_approvals::DeviceApproval;
use crate::store::sessions::SessionRecord;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::notification::NotificationType;
use uuid::Uuid;

decided_as_steps!(ApproveDevice, RedeemApproval);

/// Approves a program's sign-in, or refuses it.
pub struct ApproveDevice {
    /// The keyed hash of the code that the person typed.
    pub approval: Uuid,
    /// Whether the program may sign in.
    pub approve: bool,
    /// How long the approval counts.
    pub life: Duration,
}

impl Step for ApproveDevice {
    const NAME: &'static str = "auth.approve_device";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.device_approvals.insert(self.approval);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = act.caller.user.id;
        let earlier = world.device_approvals.get(self.approval);
        if earlier.is_some_and(|earlier| earlier.user != user || earlier.used || earlier.refused) {
            let message = "this code was used already; let the program show a new one";
            return Err(conflict(message).at("user_code"));
        }
        world.device_approvals.put(DeviceApproval {
            id: self.approval,
            user,
            refused: !self.approve,
            used: false,
            expires_at: later(act.now, self.life),
        });
        if !self.approve {
            // an approval is told when the program signs in with it
            let message = "You refused a program that asked to sign in with a code".to_owned();
            let notice = Notice::of_account(NotificationType::Security, message);
            tell(act, world, user, notice)?;
        }
        Ok("{}".into())
    }
}

/// Begins the session that was approved.
pub struct RedeemApproval {
    /// The approval.
    pub approval: Uuid,
    /// The session.
    pub session: SessionRecord,
    /// The account's token version when its owner was read.
    pub token_version: i64,
}

/// Whether the session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redeemed {
    /// It did.
    Begun,
    /// The approval was used before, was withdrawn, or has expired.
    Void,
}

impl Step for RedeemApproval {
    const NAME: &'static str = "auth.redeem_device_code";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.device_approvals.insert(self.approval);
        needs.accounts.insert(self.session.user);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = self.session.user;
        let account = world.accounts.get(user);
        let lives = account
            .is_some_and(|account| account.user.is_active && account.token_version == self.token_version);
        let approval = world.device_approvals.get(self.approval).cloned();
        let good = approval.filter(|approval| {
            approval.user == user && !approval.refused && !approval.used && approval.expires_at > act.now
        });
        let Some(approval) = good.filter(|_| lives) else {
            return Ok(json(&Redeemed::Void)?.into());
        };
        world.device_approvals.put(DeviceApproval {
            used: true,
            ..approval
        });
        begin(act, world, self.session.clone())?;
        let device = self.session.device_name.as_deref();
        let device = device
            .or(self.session.client.as_deref())
            .unwrap_or("an unnamed device");
        let message = format!("You signed {device} in with a code");
        let notice = Notice::of_account(NotificationType::Login, message);
        tell(act, world, user, notice)?;
        Ok(json(&Redeemed::Begun)?.into())
    }
}
