//! What a mail of reminders says, decided when it is sent: tasks that are done by then, or gone, are not in it, and a person
//! who is connected by then gets none. Does not know how mails look.

use super::{Engine, spawned};
use crate::auth::limits::Limit;
use crate::domain::{alarms, preferences};
use crate::ops::letters::{About, LISTED, Letter};
use crate::ops::node::Which;
use crate::store::{members, tasks, users};
use std::time::Duration;
use taskwire_protocol::task::Task;
use taskwire_protocol::{Email, Failure, UserId};

/// What a mail of reminders says, and to whom.
pub struct Reminder {
    /// The person's address now.
    pub email: Email,
    /// A sentence for each task.
    pub lines: Vec<String>,
    /// How many more tasks there are.
    pub more: usize,
}

impl Engine {
    /// What a letter of reminders says now; `None` for another letter, and if there is nothing to send.
    pub async fn reminder(&self, letter: &Letter) -> Result<Option<Reminder>, Failure> {
        let About::Reminder { tasks, more } = &letter.about else {
            return Ok(None);
        };
        let (store, user, tasks, more) = (self.0.store.clone(), letter.user, tasks.clone(), *more);
        let read = async move {
            let mut reader = store.read().await?;
            let Some(account) = users::find(&mut reader, user).await? else {
                return Ok(None);
            };
            let user = account.user;
            let (mut lines, mut more) = (Vec::new(), more);
            for (id, r#type) in tasks {
                if lines.len() == LISTED {
                    more += 1;
                    continue;
                }
                let Some(task) = tasks::find(&mut reader, id).await? else {
                    continue;
                };
                let role = members::find_role(&mut reader, user.id, task.workspace_id).await?;
                if role.is_some() && is_open(&task) && preferences::wants_mail(&user.preferences, r#type) {
                    lines.push(alarms::sentence(r#type, &task, alarms::zone(&user.timezone)));
                }
            }
            let sends = user.is_active && user.is_verified && (!lines.is_empty() || more > 0);
            Ok(sends.then(|| Reminder {
                email: user.email.clone(),
                lines,
                more,
            }))
        };
        let reminder = spawned(read).await?;
        if reminder.is_some() && self.is_connected(letter).await? {
            return Ok(None);
        }
        Ok(reminder)
    }

    /// Counts a mail of reminders to a person. Returns how long it must wait when there were too many.
    pub async fn one_more_reminder(&self, user: UserId) -> Option<Duration> {
        let refused = self.0.limits.take(Limit::Reminders, user).await.err()?;
        Some(Duration::from_millis(refused.retry_after_ms.unwrap_or(60_000)))
    }

    /// Whether the person has a socket on any instance. One that does not answer has none.
    async fn is_connected(&self, letter: &Letter) -> Result<bool, Failure> {
        let which = Which {
            user: Some(letter.user),
            after: None,
            limit: 1,
        };
        Ok(!self.connections(which).await?.0.items.is_empty())
    }
}

fn is_open(task: &Task) -> bool {
    !task.completed && !task.is_deleted
}
