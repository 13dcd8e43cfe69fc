//! `notifications`.

use crate::{
    args::NotificationArgs,
    fault::Fault,
    output::{Output, moment, note, plain},
    patient,
};
use taskwire_client::{
    Client,
    protocol::{
        limits,
        notification::{ListNotifications, MarkAllRead, Notification},
    },
};

pub(crate) async fn notifications(
    client: &Client,
    output: &Output,
    args: NotificationArgs,
) -> Result<(), Fault> {
    if args.read_all {
        let marked = client.call(MarkAllRead {}).await?;
        if output.json {
            return output.value(&marked);
        }
        return output.line(&format!("{} marked as read", marked.updated));
    }
    let wanted = args.limit as usize;
    let mut params = ListNotifications {
        unread_only: args.unread.then_some(true),
        ..ListNotifications::default()
    };
    let mut items: Vec<Notification> = Vec::new();
    let unread = loop {
        let missing = wanted.saturating_sub(items.len());
        params.limit = Some(u32::try_from(missing).unwrap_or(limits::PAGE).min(limits::PAGE));
        let page = patient::call(client, &params).await?;
        items.extend(page.items);
        params.cursor = page.next_cursor;
        if params.cursor.is_none() || items.len() >= wanted {
            break page.unread;
        }
    };
    if output.json {
        return output.value(&items);
    }
    items.iter().try_for_each(|item| output.line(&row(item)))?;
    if unread > 0 {
        note(&format!("{unread} unread; --read-all marks them as read"));
    }
    Ok(())
}

fn row(notification: &Notification) -> String {
    let mark = if notification.is_read { ' ' } else { '*' };
    let mut line = format!(
        "{mark} {}  {}",
        moment(notification.created_at),
        plain(&notification.title)
    );
    if !notification.message.is_empty() {
        line.push_str(": ");
        line.push_str(&plain(&notification.message));
    }
    line
}
