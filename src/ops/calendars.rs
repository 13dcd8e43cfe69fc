//! Calendar feeds: making and ending them. The engine makes the secret itself and shows it once; only its hash comes here.

use super::admin::its_own;
use super::caller::targets_the_caller;
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::{Logged, World};
use super::{Act, Caller, Change, DONE, Mutation, Needs, Result, json, sessions};
use crate::store::calendars::CalendarRecord;
use std::sync::Arc;
use taskwire_protocol::account::Done;
use taskwire_protocol::calendar::{CalendarCreated, CalendarRevoked, RevokeCalendar};
use taskwire_protocol::events;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::{Timestamp, UserId};

decided_as_steps!(MakeCalendar);

/// Stores a new feed, in place of the one before it.
pub struct MakeCalendar {
    /// SHA-256 of its secret, in hexadecimal.
    pub hash: Arc<str>,
}

impl Step for MakeCalendar {
    const NAME: &'static str = "calendar.create";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.sessions.insert(caller.session);
        needs.calendars.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        // a feed outlives the session that makes it, so that must not have ended meanwhile
        sessions::living(world, act)?;
        let user = its_own(act, world)?.user.id;
        let made = CalendarCreated {
            created_at: Timestamp(act.now.0),
        };
        world.emit::<events::CalendarCreated>(act, user, &made)?;
        world.calendars.put(CalendarRecord {
            user,
            hash: self.hash.clone(),
            created_at: made.created_at,
        });
        let message = "A new calendar feed: whoever has its address reads your pending tasks with a due date";
        let notice = Notice::of_account(NotificationType::Security, message.to_owned());
        tell(act, world, user, notice)?;
        Ok(json(&DONE)?.into())
    }
}

targets_the_caller!(RevokeCalendar);

impl Mutation for RevokeCalendar {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.calendars.insert(caller.user.id);
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        Ok(match end(act, world, act.caller.user.id)? {
            Some(logged) => Change::logged(logged, DONE),
            None => Change::nothing(DONE),
        })
    }
}

/// Ends the feed of an account, if it has one.
pub(super) fn end(act: &Act<'_>, world: &mut World, user: UserId) -> Result<Option<Logged<CalendarRevoked>>> {
    let Some(created_at) = world.calendars.get(user).map(|feed| feed.created_at) else {
        return Ok(None);
    };
    let logged = world.emit::<events::CalendarRevoked>(act, user, &CalendarRevoked { created_at })?;
    world.calendars.remove(user);
    Ok(Some(logged))
}
