//! A sign-in that a person completes on another device: the approval, and the session that it begins. Whether a code is
//! right is checked before (`auth/device_codes`); here, under the lock of the account's stream, an approval is used once.

use super::admin::its_own;
use super::letters::{self, About};
use super::notices::{Notice, tell};
use super::sessions::{begin, later, living};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result, conflict, json};
use crate::store::device_approvals::DeviceApproval;
use crate::store::sessions::SessionRecord;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{SessionId, Timestamp};
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

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.device_approvals.insert(self.approval);
        needs.accounts.insert(caller.user.id);
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = act.caller.user.id;
        let (session, account) = (living(world, act)?.id, its_own(act, world)?);
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
            token_version: Some(account.token_version),
            session: Some(session),
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
    /// The session in which it was approved, as it was read.
    pub approved_in: Option<SessionId>,
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
        needs.crowded_sessions.insert(self.session.user);
        needs.sessions.extend(self.approved_in);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let user = self.session.user;
        let account = world.accounts.get(user).cloned();
        let account =
            account.filter(|account| account.user.is_active && account.token_version == self.token_version);
        let approval = world.device_approvals.get(self.approval).cloned();
        let approval = approval.filter(|approval| self.is_good(approval, act.now, world));
        let (Some(account), Some(approval)) = (account, approval) else {
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
            .unwrap_or("an unnamed device")
            .to_owned();
        let message = format!("You signed {device} in with a code");
        let address = self.session.address.clone();
        letters::post(act, world, &account.user, About::NewDevice { device, address })?;
        let notice = Notice::of_account(NotificationType::Login, message);
        tell(act, world, user, notice)?;
        Ok(json(&Redeemed::Begun)?.into())
    }
}

impl RedeemApproval {
    /// Whether the approval still counts: whatever signs its person out, or changes the password, voids it.
    fn is_good(&self, approval: &DeviceApproval, now: Timestamp, world: &World) -> bool {
        let lives = |id: SessionId| {
            let session = world.sessions.get(id);
            session.is_some_and(|session| session.revoked_at.is_none() && session.expires_at > now)
        };
        approval.user == self.session.user
            && !approval.refused
            && !approval.used
            && approval.expires_at > now
            && approval
                .token_version
                .is_none_or(|made| made == self.token_version)
            && approval.session == self.approved_in
            && approval.session.is_none_or(lives)
    }
}
