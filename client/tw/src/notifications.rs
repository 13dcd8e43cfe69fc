//! `notifications`.

use crate::{
    args::NotificationArgs,
    fault::Fault,
    output::Output,
    paging,
    terminal::{note, plain},
    text::moment,
};
use taskwire_client::{
    Client,
    protocol::notification::{ListNotifications, MarkAllRead, Notification},
};

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
