//! Notifications: reading and clearing them. What makes them is in `notices`.

use super::world::{Logged, World};
use super::{Act, Ask, Caller, Change, DONE, Mutation, Needs, Query, Result, Targeted, cursor, not_found};
use crate::store::notifications::{self, Wanted};
use crate::store::streams;
use serde_json::{Value, json};
use taskwire_protocol::account::Done;
use taskwire_protocol::events::names;
use taskwire_protocol::notification::{
    CountUnread, DeleteNotification, DeleteNotifications, DeletedNotifications, GetNotification,
    ListNotifications, MarkAllRead, MarkNotification, MarkedAllRead, Notification, NotificationPage, Unread,
};
use taskwire_protocol::{Failure, NotificationId, limits};
use uuid::Uuid;

impl Targeted for ListNotifications {}
impl Targeted for GetNotification {}
impl Targeted for MarkNotification {}
impl Targeted for MarkAllRead {}
impl Targeted for DeleteNotification {}
impl Targeted for DeleteNotifications {}
impl Targeted for CountUnread {}

impl Mutation for MarkNotification {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.notifications.insert((caller.user.id, self.id));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Notification>> {
        let user = act.caller.user.id;
        let before = world
            .notifications
            .get((user, self.id))
            .cloned()
            .ok_or_else(|| not_found("notification"))?;
        if before.is_read == self.is_read {
            return Ok(Change::nothing(before));
        }
        let after = Notification {
            is_read: self.is_read,
            version: before.version + 1,
            ..before
        };
        let unread = if self.is_read { -1 } else { 1 };
        let logged = world.emit_unread(
            act,
            user,
            names::NotificationUpdated,
            &after,
            after.task_id,
            unread,
        )?;
        world.put_notification(user, after);
        Ok(Change::as_logged(logged))
    }
}

impl Mutation for MarkAllRead {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.newest.insert(caller.user.id);
        // rows that the group made or read would have to be brought in step with rows that it never saw
        needs.alone = true;
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<MarkedAllRead>> {
        let user = act.caller.user.id;
        let updated = world.counters(user.into()).unread.max(0);
        let up_to = world.all_made_by(act, user);
        let payload = json!({ "up_to": up_to, "updated": updated });
        let logged = world.emit_unread(act, user, names::NotificationAllRead, &payload, None, -updated)?;
        world.read_all(user);
        Ok(Change::logged(
            logged,
            MarkedAllRead {
                updated: updated as u64,
            },
        ))
    }
}

impl Mutation for DeleteNotification {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.notifications.insert((caller.user.id, self.id));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<Done>> {
        let logged = delete(act, world, self.id)?.ok_or_else(|| not_found("notification"))?;
        Ok(Change::logged(logged, DONE))
    }
}

impl Mutation for DeleteNotifications {
    fn check(mut self) -> Result<Self> {
        if self.ids.len() > limits::DELETE_MANY {
            return Err(Failure::invalid(
                "ids",
                format!("ids must be at most {}", limits::DELETE_MANY),
            ));
        }
        self.ids.sort_unstable();
        self.ids.dedup();
        Ok(self)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs
            .notifications
            .extend(self.ids.iter().map(|id| (caller.user.id, *id)));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<DeletedNotifications>> {
        let (mut deleted, mut last) = (0, None);
        for id in &self.ids {
            if let Some(logged) = delete(act, world, *id)? {
                (deleted, last) = (deleted + 1, Some(logged));
            }
        }
        let output = DeletedNotifications { deleted };
        Ok(last.map_or_else(
            || Change::nothing(output.clone()),
            |logged| Change::logged(logged, output.clone()),
        ))
    }
}

/// Deletes one of the caller's notifications, and logs it; `None` when there is none.
fn delete(act: &Act<'_>, world: &mut World, id: NotificationId) -> Result<Option<Logged<Value>>> {
    let user = act.caller.user.id;
    let Some(before) = world.notifications.get((user, id)) else {
        return Ok(None);
    };
    let unread = if before.is_read { 0 } else { -1 };
    let logged = world.emit_unread(
        act,
        user,
        names::NotificationDeleted,
        &json!({ "id": id }),
        None,
        unread,
    )?;
    world.remove_notification(user, id);
    Ok(Some(logged))
}

impl Query for ListNotifications {
    async fn answer(self, ask: Ask) -> Result<NotificationPage> {
        let limit = cursor::limit(self.limit)?;
        let after: Option<Uuid> = cursor::read(self.cursor.as_deref())?;
        let unread_only = self.unread_only.unwrap_or(false);
        let wanted = Wanted {
            unread_only,
            sort: self.sort.unwrap_or_default(),
            after,
            limit: limit + 1,
        };
        let user = ask.caller.user.id;
        let mut reader = ask.read().await?;
        let mut items = notifications::list(&mut reader, user, wanted).await?;
        let next_cursor = cursor::cut(&mut items, limit, |notification| cursor::write(&notification.id));
        let unread = streams::counters(&mut reader, user.into()).await?.unread.max(0) as u64;
        let total = match after {
            Some(_) => None,
            None if unread_only => Some(unread),
            None => Some(notifications::count(&mut reader, user).await?),
        };
        Ok(NotificationPage {
            items,
            next_cursor,
            total,
            unread,
        })
    }
}

impl Query for GetNotification {
    async fn answer(self, ask: Ask) -> Result<Notification> {
        let found = notifications::find(&mut ask.read().await?, ask.caller.user.id, self.id).await;
        found?.ok_or_else(|| not_found("notification"))
    }
}

impl Query for CountUnread {
    async fn answer(self, ask: Ask) -> Result<Unread> {
        let counters = streams::counters(&mut ask.read().await?, ask.caller.user.id.into()).await;
        Ok(Unread {
            unread: counters?.unread.max(0) as u64,
        })
    }
}
