//! Notifications: reading, marking and deleting them. `notices` makes them.

use super::caller::targets_the_caller;
use super::cursor::{List, Wanted};
use super::step::{Step, decided_as_steps};
use super::world::{Logged, World};
use super::{Act, Ask, Caller, Change, DONE, Mutation, Needs, Query, Result, json, not_found};
use crate::store::notifications::{self, Selection};
use crate::store::streams;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use taskwire_protocol::account::Done;
use taskwire_protocol::events;
use taskwire_protocol::notification::{
    CountUnread, DeleteNotification, DeleteNotifications, DeletedNotifications, GetNotification,
    ListNotifications, MarkAllRead, MarkNotification, MarkedAllRead, Notification, NotificationGone,
    NotificationPage, ReadUpTo, Unread,
};
use taskwire_protocol::{Failure, NotificationId, TaskId, UserId, limits};
use uuid::Uuid;

targets_the_caller!(
    ListNotifications,
    GetNotification,
    MarkNotification,
    MarkAllRead,
    DeleteNotification,
    DeleteNotifications,
    CountUnread,
);

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
        let logged = world.emit_counted::<events::NotificationUpdated>(act, user, &after, unread)?;
        world.notifications.put((user, after));
        Ok(Change::as_logged(logged))
    }
}

impl Mutation for MarkAllRead {
    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.newest.insert(caller.user.id);
        // it changes rows that the group has not loaded, so other mutations of the group would not see the change
        needs.alone = true;
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Change<MarkedAllRead>> {
        let user = act.caller.user.id;
        let unread = world.counters(user.into()).unread.max(0);
        let updated = unread as u64;
        let up_to = world.all_made_by(act, user);
        let payload = ReadUpTo { up_to, updated };
        let logged = world.emit_counted::<events::NotificationAllRead>(act, user, &payload, -unread)?;
        world.read_all(user);
        Ok(Change::logged(logged, MarkedAllRead { updated }))
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
                format!("ids must have at most {} items", limits::DELETE_MANY),
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

/// Deletes one of the caller's notifications and logs that; `None` if the caller has no such notification.
fn delete(act: &Act<'_>, world: &mut World, id: NotificationId) -> Result<Option<Logged<NotificationGone>>> {
    let user = act.caller.user.id;
    match world.notifications.get((user, id)) {
        None => Ok(None),
        Some(before) => {
            let is_read = before.is_read;
            remove(act, world, user, id, is_read).map(Some)
        }
    }
}

/// Removes a notification and logs the removal.
pub(super) fn remove(
    act: &Act<'_>,
    world: &mut World,
    user: UserId,
    id: NotificationId,
    is_read: bool,
) -> Result<Logged<NotificationGone>> {
    let unread = if is_read { 0 } else { -1 };
    let logged =
        world.emit_counted::<events::NotificationDeleted>(act, user, &NotificationGone { id }, unread)?;
    world.notifications.remove((user, id));
    Ok(logged)
}

decided_as_steps!(ForgetNotifications, ForgetAbout);

/// The most notifications that one step deletes, each with an event.
pub const FORGOTTEN: i64 = 100;

/// Deletes the caller's oldest notifications, because the settings do not keep them any longer.
pub struct ForgetNotifications {
    /// Those with ids before this one.
    pub before: Uuid,
}

/// What [`ForgetNotifications`] did.
#[derive(Debug, Serialize, Deserialize)]
pub struct Forgotten {
    /// Whether there may be more.
    pub more: bool,
}

impl Step for ForgetNotifications {
    const NAME: &'static str = "notification.forget";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.old_notifications.insert((caller.user.id, self.before));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        forget(act, world, |notification| notification.id.0 < self.before)
    }
}

/// Deletes some of the caller's notifications about a task, because the task was purged.
pub struct ForgetAbout {
    /// The task.
    pub task: TaskId,
}

impl Step for ForgetAbout {
    const NAME: &'static str = "notification.forget_about";

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.told.insert((caller.user.id, self.task));
        // alone in its group, too: beside a deletion of one of them, the rest could seem to be all
        needs.frees = true;
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        forget(act, world, |notification| notification.task_id == Some(self.task))
    }
}

/// Deletes those of the caller's notifications in memory that are meant.
fn forget(act: &Act<'_>, world: &mut World, is_meant: impl Fn(&Notification) -> bool) -> Result<Arc<str>> {
    let user = act.caller.user.id;
    let meant = world.notifications.iter();
    let meant = meant.filter(|((of, _), row)| *of == user && is_meant(row));
    let mut meant: Vec<_> = meant.map(|((_, id), row)| (*id, row.is_read)).collect();
    meant.sort_unstable();
    for (id, is_read) in &meant {
        remove(act, world, user, *id, *is_read)?;
    }
    let more = meant.len() as i64 >= FORGOTTEN;
    Ok(json(&Forgotten { more })?.into())
}

impl Query for ListNotifications {
    async fn answer(self, ask: Ask) -> Result<NotificationPage> {
        let (unread_only, sort) = (self.unread_only.unwrap_or(false), self.sort.unwrap_or_default());
        let list = ListNotifications {
            unread_only: Some(unread_only),
            sort: Some(sort),
            ..ListNotifications::default()
        };
        let list = List::of(&list, &ask.caller);
        let wanted: Wanted<Uuid> = Wanted::read(list, self.limit, self.cursor.as_deref())?;
        let selection = Selection {
            unread_only,
            sort,
            after: wanted.after,
            limit: wanted.to_read(),
        };
        let user = ask.caller.user.id;
        let mut reader = ask.read().await?;
        let items = notifications::list(&mut reader, user, selection).await?;
        let unread = streams::counters(&mut reader, user.into()).await?.unread.max(0) as u64;
        let count = async {
            if unread_only {
                Ok(unread)
            } else {
                notifications::count(&mut reader, user).await
            }
        };
        let page = wanted
            .page(items, |notification| notification.id.0, count)
            .await?;
        Ok(NotificationPage {
            items: page.items,
            next_cursor: page.next_cursor,
            total: page.total,
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
