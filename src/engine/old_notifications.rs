//! Deletes notifications that are older than the settings keep them, each with an event on its user's stream, so that every
//! replica stays right. Does not know when, nor what "old" is.

use super::accounts::on_behalf;
use super::{Engine, spawned};
use crate::ids::first_at;
use crate::ops::notifications::{ForgetNotifications, Forgotten};
use crate::store::{notifications, users};
use futures_util::future::join_all;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::{Failure, SessionId, UserId};
use uuid::Uuid;

/// The users that one step looks at.
const USERS: i64 = 500;
/// The users whose notifications are deleted at once. Their mutations share groups.
const AT_ONCE: usize = 32;

impl Engine {
    /// Deletes the notifications from before a moment of up to 500 users after `after`. Returns the last of these users, if
    /// there may be more.
    pub async fn forget_notifications(&self, before_ms: i64, after: Uuid) -> Result<Option<Uuid>, Failure> {
        let (store, before) = (self.0.store.clone(), first_at(before_ms));
        let page = spawned(async move {
            notifications::who_has_before(&mut store.read().await?, before, after, USERS).await
        });
        let page = page.await?;
        let having = page.iter().filter(|(_, has_some)| *has_some);
        let mut having: Vec<UserId> = having.map(|(user, _)| UserId(*user)).collect();
        while !having.is_empty() {
            let some = having.split_off(having.len().saturating_sub(AT_ONCE));
            let steps = some.into_iter().map(|user| self.forget_some(user, before));
            for user in join_all(steps).await {
                having.extend(user?);
            }
        }
        let last = page.last().map(|(user, _)| *user);
        Ok(last.filter(|_| page.len() as i64 == USERS))
    }

    /// Deletes the oldest notifications of a user. Returns the user if there are more.
    async fn forget_some(&self, user: UserId, before: Uuid) -> Result<Option<UserId>, Failure> {
        let store = self.0.store.clone();
        let read = async move { users::find(&mut store.read().await?, user).await };
        // a job erases what is left of a deleted account
        let Some(account) = spawned(read).await? else {
            return Ok(None);
        };
        // a session of its own: mutations of one session wait for each other
        let session = SessionId(self.0.ids.next());
        let caller = on_behalf(&account, session, Actor::Server);
        let Forgotten { more } = self.act(caller, ForgetNotifications { before }).await?;
        Ok(more.then_some(user))
    }
}
