//! `notifications`: lists them, marks some as read or unread, or deletes some.

use crate::{
    args::NotificationArgs,
    fault::Fault,
    output::Output,
    paging, resolve,
    terminal::{note, plain},
    text::{DIM, moment, short},
};
use taskwire_client::{
    Client,
    protocol::{
        NotificationId, limits,
        notification::{
            DeleteNotification, DeleteNotifications, ListNotifications, MarkAllRead, MarkNotification,
            Notification,
        },
    },
};
use uuid::Uuid;

pub(crate) async fn notifications(
    client: &Client,
    output: &Output,
    args: NotificationArgs,
) -> Result<(), Fault> {
    if args.read_all {
        let marked = paging::call(client, &MarkAllRead {}).await?;
        if output.json {
            return output.value(&marked);
        }
        return output.line(&format!("{} marked as read", marked.updated));
    }
    if !args.read.is_empty() {
        return mark(client, output, &args.read, !args.undo).await;
    }
    if !args.delete.is_empty() {
        return delete(client, output, &args.delete).await;
    }
    list(client, output, &args).await
}

async fn list(client: &Client, output: &Output, args: &NotificationArgs) -> Result<(), Fault> {
    let params = ListNotifications {
        unread_only: args.unread.then_some(true),
        ..ListNotifications::default()
    };
    let (mut items, mut unread) = (Vec::new(), 0);
    let read = paging::read(client, params, args.limit as usize, |page| {
        items.extend(page.items);
        unread = page.unread;
    });
    read.await?;
    if output.json {
        return output.value(&items);
    }
    if items.is_empty() {
        note(if args.unread {
            "no unread notifications"
        } else {
            "no notifications"
        });
    }
    items.iter().try_for_each(|item| output.line(&row(item)))?;
    if unread > 0 {
        note(&format!("{unread} unread; --read-all marks them as read"));
    }
    Ok(())
}

async fn mark(client: &Client, output: &Output, texts: &[String], is_read: bool) -> Result<(), Fault> {
    let (mut marked, mut done) = (Vec::new(), Ok(()));
    for id in named(client, texts).await? {
        match paging::call(client, &MarkNotification { id, is_read }).await {
            Ok(notification) => marked.push(notification),
            Err(error) => {
                done = Err(error.into());
                break;
            }
        }
    }
    if output.json {
        output.value(&marked)?;
    } else {
        marked.iter().try_for_each(|item| output.line(&row(item)))?;
    }
    done
}

async fn delete(client: &Client, output: &Output, texts: &[String]) -> Result<(), Fault> {
    let ids = named(client, texts).await?;
    if let [id] = *ids.as_slice() {
        let done = paging::call(client, &DeleteNotification { id }).await?;
        if output.json {
            return output.value(&done);
        }
        return output.line(&format!("{}  deleted", short(id)));
    }
    let mut deleted = 0;
    for ids in ids.chunks(limits::DELETE_MANY) {
        let params = DeleteNotifications { ids: ids.to_vec() };
        deleted += paging::call(client, &params).await?.deleted;
    }
    if output.json {
        return output.value(&serde_json::json!({ "deleted": deleted }));
    }
    output.line(&format!("{deleted} deleted"))
}

/// The notifications with these ids, or whose ids begin or end like this: all of them, or an error before anything is done.
async fn named(client: &Client, texts: &[String]) -> Result<Vec<NotificationId>, Fault> {
    let whole: Option<Vec<NotificationId>> = texts.iter().map(|text| text.parse().ok()).collect();
    if let Some(ids) = whole {
        return Ok(ids);
    }
    let mut all: Vec<Notification> = Vec::new();
    let read = paging::read(client, ListNotifications::default(), paging::ALL, |page| {
        all.extend(page.items);
    });
    read.await?;
    let known: Vec<(Uuid, &str)> = all.iter().map(|one| (one.id.0, &*one.title)).collect();
    let ids = texts
        .iter()
        .map(|text| resolve::one_of(&known, text, "notification", "`tw notifications`"));
    ids.map(|id| id.map(NotificationId)).collect()
}

fn row(notification: &Notification) -> String {
    let mark = if notification.is_read { ' ' } else { '*' };
    let mut line = format!(
        "{DIM}{}{DIM:#}  {mark} {}  {}",
        short(notification.id),
        moment(notification.created_at),
        plain(&notification.title)
    );
    if !notification.message.is_empty() {
        line.push_str(": ");
        line.push_str(&plain(&notification.message));
    }
    line
}
