//! What gives access to an account, and the end of all of it: sessions, API tokens, the calendar feed, codes. Programs that a person approved
//! and that have not signed in yet are refused when the account's token version rises, which is the caller's to do.

use super::world::World;
use super::{Act, Needs, Result, calendars, codes, sessions};
use crate::store::codes::Purpose;
use taskwire_protocol::account::ApiTokenRevoked;
use taskwire_protocol::{ApiTokenId, UserId, events};

/// What must be in memory before it ends.
pub(super) fn need(user: UserId, needs: &mut Needs) {
    needs.sessions_of.insert(user);
    needs.api_tokens_of.insert(user);
    needs.calendars.insert(user);
    needs.codes.extend(Purpose::ALL.map(|purpose| (user, purpose)));
}

/// Ends sessions, API tokens, the calendar feed and codes.
pub(super) fn end(act: &Act<'_>, world: &mut World, user: UserId) -> Result<()> {
    for session in sessions::all_living(world, user) {
        sessions::end(act, world, session)?;
    }
    let theirs = world.api_tokens.iter().filter(|(_, token)| token.user == user);
    let mut theirs: Vec<ApiTokenId> = theirs.map(|(id, _)| *id).collect();
    theirs.sort_unstable();
    for id in theirs {
        world.emit::<events::ApiTokenRevoked>(act, user, &ApiTokenRevoked { id })?;
        world.api_tokens.remove(id);
    }
    calendars::end(act, world, user)?;
    codes::end_all(act, world, user);
    Ok(())
}
