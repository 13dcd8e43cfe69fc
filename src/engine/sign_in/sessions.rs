//! `auth.sessions`: lists the caller's sessions.

use super::{SignIn, Signed};
use crate::engine::{Engine, Sender, spawned};
use crate::ops::sessions::view;
use crate::store::sessions;
use taskwire_protocol::Failure;
use taskwire_protocol::account::{ListSessions, SessionList};

/// The most sessions that are listed.
const MOST: i64 = 500;

impl SignIn for ListSessions {
    type Output = SessionList;

    async fn carry_out(self, engine: Engine, sender: Sender) -> Result<Signed<SessionList>, Failure> {
        let caller = sender.caller()?;
        let (store, user, now) = (engine.0.store.clone(), caller.user.id, engine.0.clock.now_ms());
        let found =
            spawned(async move { sessions::list_living(&mut store.read().await?, user, now, MOST).await });
        let items = found.await?;
        let items = items
            .iter()
            .map(|session| view(session, session.id == caller.session));
        Ok(Signed::of(SessionList {
            items: items.collect(),
        }))
    }
}
