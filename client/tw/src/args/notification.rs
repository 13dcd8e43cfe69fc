//! The arguments of `notifications`.

use clap::Args as Group;

#[derive(Group)]
pub(crate) struct NotificationArgs {
    /// Only unread notifications.
    #[arg(long)]
    pub(crate) unread: bool,
    /// Mark all notifications as read.
    #[arg(long)]
    pub(crate) read_all: bool,
    /// Mark this notification as read: its id, or the end of it; repeat it for several.
    #[arg(long, value_name = "ID", conflicts_with = "read_all")]
    pub(crate) read: Vec<String>,
    /// Mark those of `--read` as unread instead.
    #[arg(long, requires = "read")]
    pub(crate) undo: bool,
    /// Delete this notification: its id, or the end of it; repeat it for several.
    #[arg(long, value_name = "ID", conflicts_with_all = ["read", "read_all"])]
    pub(crate) delete: Vec<String>,
    /// The largest number of items.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}
