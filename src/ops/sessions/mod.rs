//! Sessions: what signing in, refreshing and signing out change. The engine has already checked the password or token.
//!
//! - `rotate`     the exchange of a refresh token, and what an old one shows
//! - `ending`     ends one session of a user, or all of them
//! - `password`   another password: a new session, and the end of all others

mod ending;
mod password;
mod rotate;

pub use ending::{EndAllSessions, EndSession};
pub use password::PutPassword;
pub use rotate::{RotateSession, Rotation, Successor, later};

use super::letters::{self, About};
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, Needs, Result};
use crate::store::sessions::SessionRecord;
use std::sync::Arc;
use taskwire_protocol::account::{Session, SessionRevoked};
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{ErrorCode, Failure, UserId};

decided_as_steps!(OpenSession);

/// Begins a session of an account.
pub struct OpenSession {
    /// The session.
    pub session: SessionRecord,
    /// The account's token version when its password was verified. Another version means that the password has changed
    /// since.
    pub verified: i64,
    /// The account does not know the device: its owner is warned.
    pub new_device: bool,
    /// A new hash of the same password.
    pub rehash: Option<Rehash>,
}

/// The hash of a password, made again with the current parameters.
pub struct Rehash {
    /// The hash that the account must still have.
    pub from: Arc<str>,
    /// The new one.
    pub to: Arc<str>,
}

/// The e-mail address or the password is wrong. The answer does not tell which one.
pub fn wrong_credentials() -> Failure {
    Failure::new(ErrorCode::InvalidCredentials, "e-mail or password is wrong")
}

impl Step for OpenSession {
    const NAME: &'static str = "auth.login";

    fn needs(&self, _: &Caller, needs: &mut Needs) {
        needs.accounts.insert(self.session.user);
        needs.crowded_sessions.insert(self.session.user);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(self.session.user);
        let account = account.filter(|account| account.token_version == self.verified);
        let mut account = account.cloned().ok_or_else(wrong_credentials)?;
        begin(act, world, self.session.clone())?;
        let device = device_of(&self.session).unwrap_or("an unnamed device");
        if self.new_device {
            let (device, address) = (device.to_owned(), self.session.address.clone());
            letters::post(act, world, &account.user, About::NewDevice { device, address })?;
        }
        let notice = if self.new_device {
            let message =
                format!("A new device signed in: {device}. If it is not yours, change your password");
            Notice::of_account(NotificationType::Security, message)
        } else {
            Notice::of_account(NotificationType::Login, format!("A new sign-in from {device}"))
        };
        tell(act, world, act.caller.user.id, notice)?;
        if let Some(Rehash { from, to }) = &self.rehash
            && account.password_hash == *from
        {
            // nobody sees hashes, so nothing is logged
            account.password_hash = to.clone();
            world.accounts.put(account);
        }
        Ok("{}".into())
    }
}

/// The most sessions that a sign-in ends. After the setting was lowered there are many too many; each sign-in ends a few.
pub const AT_ONCE: i64 = 32;

/// Makes a session and logs that. Of a user who has as many as they may, those end that have expired, and then those that were
/// unused for the longest time: a thief with the password must not keep its owner out by signing in.
pub(super) fn begin(act: &Act<'_>, world: &mut World, session: SessionRecord) -> Result<()> {
    if let Some(most) = act.bounds.sessions_per_user {
        let too_many = (world.living(session.user) + 1).saturating_sub(most);
        if too_many > 0 {
            let mut living = all_living(world, session.user);
            living.sort_by_key(|session| (session.expires_at > act.now, session.last_seen_at, session.id));
            for old in living
                .into_iter()
                .take(too_many.min(AT_ONCE.unsigned_abs()) as usize)
            {
                end(act, world, old)?;
            }
        }
    }
    start(act, world, session)
}

/// Makes a session and logs that, whether or not there is room for it.
fn start(act: &Act<'_>, world: &mut World, session: SessionRecord) -> Result<()> {
    world.emit::<events::SessionCreated>(act, session.user, &view(&session, false))?;
    world.put_session(session);
    Ok(())
}

/// Ends a session and logs that. Its tokens become invalid, and its sockets close.
pub(super) fn end(act: &Act<'_>, world: &mut World, mut session: SessionRecord) -> Result<()> {
    world.emit::<events::SessionRevoked>(act, session.user, &SessionRevoked { id: session.id })?;
    session.revoked_at = Some(act.now);
    if let Some(parent) = &mut session.family.parent {
        parent.successor = None;
    }
    world.put_session(session);
    Ok(())
}

/// What people call the session.
fn device_of(session: &SessionRecord) -> Option<&str> {
    session.device_name.as_deref().or(session.client.as_deref())
}

/// What its owner sees of a session. `current`: it is the one that asks.
pub fn view(session: &SessionRecord, current: bool) -> Session {
    Session {
        id: session.id,
        device_name: session.device_name.clone(),
        client: session.client.clone(),
        address: session.address.clone(),
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        current,
    }
}

/// The caller's session.
pub(super) fn living(world: &World, act: &Act<'_>) -> Result<SessionRecord> {
    let session = world
        .sessions
        .get(act.caller.session)
        .filter(|session| session.revoked_at.is_none());
    session
        .cloned()
        .ok_or_else(|| Failure::new(ErrorCode::TokenRevoked, "the session has ended; sign in again"))
}

/// A user's sessions that have not ended, including those that this group began.
pub(super) fn all_living(world: &World, user: UserId) -> Vec<SessionRecord> {
    let all = world.sessions.iter().map(|(_, session)| session);
    let living = all.filter(|session| session.user == user && session.revoked_at.is_none());
    let mut living: Vec<SessionRecord> = living.cloned().collect();
    living.sort_by_key(|session| session.id);
    living
}
