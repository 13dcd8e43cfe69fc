//! `/v1/auth/device…`: a program signs in without seeing a password (RFC 8628). It asks for a pair of codes, its person
//! types one of them on a page and approves, and the program exchanges the other one for tokens.

use super::tokens::device_name;
use super::{Attempt, SignIn, Signed};
use crate::auth::device_codes::LIFE;
use crate::auth::limits::Limit;
use crate::engine::accounts::{caller, inactive};
use crate::engine::audit::DEVICE_REFUSED;
use crate::engine::{Engine, Sender, spawned};
use crate::ops::bug;
use crate::ops::devices::{self, RedeemApproval, Redeemed};
use crate::store::device_approvals::{self, DeviceApproval};
use crate::store::users::{self, Account};
use secrecy::ExposeSecret;
use taskwire_protocol::account::{ApproveDevice, DeviceCode, Done, RedeemDeviceCode, StartDevice, Tokens};
use taskwire_protocol::{ErrorCode, Failure};
use uuid::Uuid;

/// How often a program may ask whether it was approved, in seconds.
const INTERVAL_S: u64 = 2;

/// The exchange's name in metrics and in the log.
pub(super) const REDEEM: &str = "auth.redeem_device_code";

/// The path of the page, below the server's address.
const PAGE: &str = "device";

impl SignIn for StartDevice {
    type Output = DeviceCode;

    async fn carry_out(self, engine: Engine, _: Sender) -> Result<Signed<DeviceCode>, Failure> {
        let issued = engine
            .0
            .device_codes
            .issue(engine.0.clock.now_ms(), &mut rand::rng());
        let issued = issued.ok_or_else(|| bug("there is no key for device codes"))?;
        let page = match &engine.0.public_url {
            Some(url) => format!("{}/{PAGE}", url.trim_end_matches('/')),
            None => format!("/{PAGE}"),
        };
        Ok(Signed::of(DeviceCode {
            device_code: issued.device_code.expose_secret().into(),
            user_code: issued.user_code,
            verification_url: page,
            expires_in: LIFE.as_secs(),
            interval: INTERVAL_S,
        }))
    }
}

impl SignIn for ApproveDevice {
    type Output = Done;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Done>, Failure> {
        let no_code = || {
            Failure::invalid(
                "user_code",
                "user_code must be the eight letters that the program shows",
            )
        };
        let approval = engine
            .0
            .device_codes
            .approval(&self.user_code)
            .ok_or_else(no_code)?;
        let caller = sender.caller()?;
        engine.limits().take(Limit::Approvals, caller.user.id).await?;
        let step = devices::ApproveDevice {
            approval,
            approve: self.approve,
            life: LIFE,
        };
        let signed = Signed::of(engine.act(caller.clone(), step).await?).by(caller);
        Ok(if self.approve {
            signed
        } else {
            signed.named(DEVICE_REFUSED)
        })
    }
}

impl SignIn for RedeemDeviceCode {
    type Output = Option<Tokens>;

    fn attempt(&self, sender: &Sender) -> Option<Attempt> {
        Some(Attempt::of(REDEEM, None, sender))
    }

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<Option<Tokens>>, Failure> {
        let device_name = device_name(self.device_name)?;
        let waiting = engine
            .0
            .device_codes
            .read(self.device_code.expose())
            .ok_or_else(void)?;
        if waiting.expires_at_ms <= engine.0.clock.now_ms() {
            return Err(expired());
        }
        let Some((approval, account)) = engine.approval(waiting.approval).await? else {
            return Ok(Signed::of(None));
        };
        engine.check_approval(&approval, &account)?;
        let (session, refresh) = engine.new_session(account.user.id, device_name, &sender.origin)?;
        let (caller, device) = (caller(&account, session.id), session.device_name.clone());
        let redeem = RedeemApproval {
            approval: approval.id,
            session,
            approved_in: approval.session,
            token_version: account.token_version,
        };
        match engine.act(caller.clone(), redeem).await? {
            Redeemed::Begun => {}
            Redeemed::Void => return Err(void()),
        }
        let tokens = engine.tokens(&account, caller.session, &refresh, sender.delivery)?;
        Ok(tokens.on(device).map(Some))
    }
}

impl Engine {
    /// What was decided about a device code, and the account for which it was. `None`: nothing yet.
    async fn approval(&self, id: Uuid) -> Result<Option<(DeviceApproval, Account)>, Failure> {
        let store = self.0.store.clone();
        spawned(async move {
            let mut reader = store.read().await?;
            let Some(approval) = device_approvals::find(&mut reader, id).await? else {
                return Ok(None);
            };
            let account = users::find(&mut reader, approval.user).await?;
            Ok(account.map(|account| (approval, account)))
        })
        .await
    }

    fn check_approval(&self, approval: &DeviceApproval, account: &Account) -> Result<(), Failure> {
        if approval.refused {
            return Err(Failure::new(ErrorCode::Forbidden, "the sign-in was refused"));
        }
        if approval.used {
            return Err(void());
        }
        if approval.expires_at.0 <= self.0.clock.now_ms() {
            return Err(expired());
        }
        if account.user.is_active {
            Ok(())
        } else {
            Err(inactive())
        }
    }
}

fn void() -> Failure {
    Failure::new(
        ErrorCode::InvalidToken,
        "the device code is not valid; ask for a new one",
    )
}

fn expired() -> Failure {
    Failure::new(
        ErrorCode::TokenExpired,
        "the device code has expired; ask for a new one",
    )
}
