//! Sessions: what signing in, refreshing and signing out change. The engine has already checked the password or token.

use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result};
use crate::store::sessions::SessionRecord;
use std::sync::Arc;
use taskwire_protocol::account::{Session, SessionRevoked};
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{ErrorCode, Failure, Timestamp};

decided_as_steps!(OpenSession, RotateSession, EndSession);

/// Begins a session of an account.
pub struct OpenSession {
    /// The session.
    pub session: SessionRecord,
    /// The account's token version when its password was verified. Another version means that the password has changed
    /// since.
    pub verified: i64,
}

/// The e-mail address or the password is wrong. The answer does not tell which one.
pub fn wrong_credentials() -> Failure {
    Failure::new(ErrorCode::InvalidCredentials, "e-mail or password is wrong")
}

impl Step for OpenSession {
    const NAME: &'static str = "auth.login";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.session.user);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(self.session.user);
        if account.is_none_or(|account| account.token_version != self.verified) {
            return Err(wrong_credentials());
        }
        begin(act, world, self.session.clone())?;
        let device = self
            .session
            .device_name
            .as_deref()
            .or(self.session.client.as_deref());
        let message = format!("A new sign-in from {}", device.unwrap_or("an unnamed device"));
        let notice = Notice::of_account(NotificationType::Login, message);
        tell(act, world, act.caller.user.id, notice)?;
        Ok("{}".into())
    }
}

/// Makes a session and logs that.
pub(super) fn begin(act: &Act<'_>, world: &mut World, session: SessionRecord) -> Result<()> {
    world.emit::<events::SessionCreated>(act, session.user, &view(&session))?;
    world.sessions.put(session);
    Ok(())
}

fn view(session: &SessionRecord) -> Session {
    Session {
        id: session.id,
        device_name: session.device_name.clone(),
        client: session.client.clone(),
        address: session.address.clone(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        current: false,
    }
}

/// Replaces a session's refresh token. No stream shows refresh tokens, so nothing is logged.
pub struct RotateSession {
    /// The hash that the session must still have.
    pub from: String,
    /// The hash of the new token.
    pub to: String,
    /// When the new token expires.
    pub expires_at: Timestamp,
}

impl Step for RotateSession {
    const NAME: &'static str = "auth.refresh";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let session = living(world, act)?;
        if session.refresh_hash != self.from {
            return Err(Failure::new(
                ErrorCode::InvalidToken,
                "this refresh token was already used; use the newest one or sign in again",
            ));
        }
        let (refresh_hash, expires_at) = (self.to.clone(), self.expires_at);
        world.sessions.put(SessionRecord {
            refresh_hash,
            expires_at,
            last_seen_at: act.now,
            ..session
        });
        Ok("{}".into())
    }
}

/// Ends the caller's session.
pub struct EndSession;

impl Step for EndSession {
    const NAME: &'static str = "auth.logout";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let Ok(session) = living(world, act) else {
            return Ok("{}".into());
        };
        world.emit::<events::SessionRevoked>(act, session.user, &SessionRevoked { id: session.id })?;
        let device = session
            .device_name
            .as_deref()
            .or(session.client.as_deref())
            .unwrap_or("a device")
            .to_owned();
        world.sessions.put(SessionRecord {
            revoked_at: Some(act.now),
            ..session
        });
        let message = format!("Signed out on {device}");
        let notice = Notice::of_account(NotificationType::Logout, message);
        tell(act, world, act.caller.user.id, notice)?;
        Ok("{}".into())
    }
}

fn living(world: &World, act: &Act<'_>) -> Result<SessionRecord> {
    let session = world
        .sessions
        .get(act.caller.session)
        .filter(|session| session.revoked_at.is_none());
    session
        .cloned()
        .ok_or_else(|| Failure::new(ErrorCode::TokenRevoked, "the session has ended; sign in again"))
}
