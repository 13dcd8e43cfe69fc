//! The exchange of a refresh token. The newest token of a session is replaced. The one before it may be repeated for a
//! short time, because the answer to its exchange may have been lost; its successor is then given out again. An older token
//! shows that two hold tokens of the session, and one of them is not its owner: the session ends.

use super::{device_of, end, living};
use crate::ops::notices::{Notice, tell};
use crate::ops::step::{Step, decided_as_steps};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs, Result, json};
use crate::store::sessions::{Family, Parent, SessionRecord};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{ErrorCode, Failure, Timestamp};

/// How long after its exchange a token may be repeated.
const REPEATED_WITHIN: Duration = Duration::from_secs(30);

decided_as_steps!(RotateSession);

/// Exchanges a refresh token of the caller's session. No stream shows refresh tokens, so only the end of the session is
/// logged.
pub struct RotateSession {
    /// The hash of the token that the client sent.
    pub presented: String,
    /// The server made that token.
    pub is_ours: bool,
    /// The token that replaces it, if it is the newest one.
    pub successor: Successor,
    /// How long a session lasts that nobody uses.
    pub idle: Duration,
    /// How long a session lasts, however much it is used.
    pub longest: Duration,
}

/// A new refresh token.
pub struct Successor {
    /// Its hash.
    pub hash: String,
    /// The token itself, sealed for the holder of the one before it.
    pub sealed: String,
}

/// What became of a refresh token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// It was the newest one, and has its successor.
    Replaced,
    /// It was repeated. This is the successor that it has already, sealed, and the hash of that.
    Repeated(String, String),
    /// It was too old, so the session was ended.
    Reused,
}

/// Which of a session's tokens a client sent.
enum Age {
    Newest,
    Repeated(String),
    Old,
    /// Somebody made it up.
    Foreign,
}

impl Step for RotateSession {
    const NAME: &'static str = "auth.refresh";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.sessions.insert(caller.session);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let session = living(world, act)?;
        let rotation = match self.age(&session.family, act.now) {
            Age::Newest => {
                world.sessions.put(self.rotated(session, act.now));
                Rotation::Replaced
            }
            Age::Repeated(sealed) => Rotation::Repeated(sealed, session.family.newest),
            Age::Old => {
                end_as_stolen(act, world, session)?;
                Rotation::Reused
            }
            Age::Foreign => {
                let message = "the refresh token is not valid; sign in again";
                return Err(Failure::new(ErrorCode::InvalidToken, message));
            }
        };
        Ok(json(&rotation)?.into())
    }
}

impl RotateSession {
    fn age(&self, family: &Family, now: Timestamp) -> Age {
        if family.newest == self.presented {
            return Age::Newest;
        }
        match &family.parent {
            Some(parent) if parent.hash == self.presented => repeated(parent, now),
            _ if self.is_ours => Age::Old,
            _ => Age::Foreign,
        }
    }

    /// The session with its next token.
    fn rotated(&self, session: SessionRecord, now: Timestamp) -> SessionRecord {
        let ends_at = session
            .ends_at
            .unwrap_or_else(|| later(session.created_at, self.longest));
        let family = Family {
            newest: self.successor.hash.clone(),
            parent: Some(Parent {
                hash: session.family.newest,
                rotated_at: now,
                successor: Some(self.successor.sealed.clone()),
            }),
        };
        SessionRecord {
            family,
            expires_at: later(now, self.idle).min(ends_at),
            last_seen_at: now,
            ..session
        }
    }
}

/// A clock that was set back does not make a token old.
fn repeated(parent: &Parent, now: Timestamp) -> Age {
    match &parent.successor {
        Some(sealed) if now <= later(parent.rotated_at, REPEATED_WITHIN) => Age::Repeated(sealed.clone()),
        _ => Age::Old,
    }
}

/// Ends the session. The server does it: nobody knows which of the two holders its owner is.
fn end_as_stolen(act: &Act<'_>, world: &mut World, session: SessionRecord) -> Result<()> {
    let caller = act.caller.clone().as_actor(Actor::Server);
    let act = Act {
        caller: &caller,
        ..*act
    };
    let device = device_of(&session).unwrap_or("one of your devices").to_owned();
    end(&act, world, session)?;
    let message = format!(
        "{device} was signed out: a sign-in token that had been replaced was used again, so somebody may have copied it. \
         Sign in again there. If you do not know why this happened, change your password."
    );
    let notice = Notice::of_account(NotificationType::Security, message);
    tell(&act, world, caller.user.id, notice)
}

/// A moment this long after another.
pub fn later(at: Timestamp, time: Duration) -> Timestamp {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    Timestamp(at.0.saturating_add(time))
}
