//! Who is notified of what. Each user concerned gets one notification per mutation, and only if they may read what it
//! is about.

use super::world::{Logged, World};
use super::{Act, Result};
use std::sync::Arc;
use taskwire_protocol::account::PublicUser;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::notification::{Notification, NotificationType};
use taskwire_protocol::task::Task;
use taskwire_protocol::{NotificationId, TaskId, UserId, WorkspaceId};

/// What a notification tells.
pub(super) struct Notice {
    /// What happened.
    pub(super) r#type: NotificationType,
    /// What happened, as a sentence.
    pub(super) message: String,
    /// The task concerned.
    pub(super) task: Option<TaskId>,
    /// The workspace concerned.
    pub(super) workspace: Option<WorkspaceId>,
}

impl Notice {
    /// Something that concerns an account, and no workspace.
    pub(super) fn of_account(r#type: NotificationType, message: String) -> Notice {
        Notice {
            r#type,
            message,
            task: None,
            workspace: None,
        }
    }
}

/// The user who acts; `None` for the server and for operators, and when another user acts for the caller.
fn acting_user(act: &Act<'_>) -> Option<PublicUser> {
    let itself = matches!(act.caller.actor.actor(), Actor::User { id, .. } if *id == act.caller.user.id);
    itself.then(|| act.caller.user.clone())
}

/// Notifies one user.
pub(super) fn tell(
    act: &Act<'_>,
    world: &mut World,
    user: UserId,
    notice: Notice,
) -> Result<Logged<Notification>> {
    let notification = Notification {
        id: NotificationId(act.new_id()),
        r#type: notice.r#type,
        title: title(notice.r#type),
        message: notice.message.into(),
        is_read: false,
        task_id: notice.task,
        workspace_id: notice.workspace,
        actor: acting_user(act),
        version: 1,
        created_at: act.now,
    };
    world.notify(act, user, notification)
}

/// Notifies the people concerned by a change of a task: the caller, the task's creator, its assignees. A new assignee
/// other than the caller gets `TASK_ASSIGNED` instead.
pub(super) fn tell_of_task(
    act: &Act<'_>,
    world: &mut World,
    before: Option<&Task>,
    task: &Task,
    r#type: NotificationType,
) -> Result<()> {
    let mut people = vec![act.caller.user.id, task.created_by];
    people.extend(&task.assignee_ids);
    let mut told: Vec<UserId> = Vec::with_capacity(people.len());
    for user in people {
        if told.contains(&user) || world.role(task.workspace_id, user).is_none() {
            continue;
        }
        told.push(user);
        let had_it = before.is_some_and(|before| before.assignee_ids.contains(&user));
        let got_it = task.assignee_ids.contains(&user) && !had_it && user != act.caller.user.id;
        let r#type = if got_it {
            NotificationType::TaskAssigned
        } else {
            r#type
        };
        let message = format!("{} {} “{}”", act.caller.user.name, verb(r#type), task.title);
        let (task, workspace) = (Some(task.id), Some(task.workspace_id));
        tell(
            act,
            world,
            user,
            Notice {
                r#type,
                message,
                task,
                workspace,
            },
        )?;
    }
    Ok(())
}

fn verb(r#type: NotificationType) -> &'static str {
    match r#type {
        NotificationType::TaskCreated => "created",
        NotificationType::TaskDeleted => "deleted",
        NotificationType::TaskRestored => "restored",
        NotificationType::TaskCompleted => "completed",
        NotificationType::TaskPending => "reopened",
        NotificationType::TaskAssigned => "gave you",
        _ => "changed",
    }
}

fn title(r#type: NotificationType) -> Arc<str> {
    let title = match r#type {
        NotificationType::TaskCreated => "Task created",
        NotificationType::TaskUpdated => "Task changed",
        NotificationType::TaskDeleted => "Task deleted",
        NotificationType::TaskRestored => "Task restored",
        NotificationType::TaskCompleted => "Task completed",
        NotificationType::TaskPending => "Task reopened",
        NotificationType::TaskAssigned => "Task for you",
        NotificationType::TaskReminder => "Reminder",
        NotificationType::TaskDue => "Task due",
        NotificationType::TaskOverdue => "Task overdue",
        NotificationType::CommentAdded => "New comment",
        NotificationType::Mention => "You were mentioned",
        NotificationType::MemberAdded => "Added to a workspace",
        NotificationType::Invite => "Invitation",
        NotificationType::Login => "New sign-in",
        NotificationType::Logout => "Signed out",
        NotificationType::Signup => "Welcome",
        NotificationType::ProfileUpdated => "Profile changed",
        NotificationType::PasswordChanged => "Password changed",
        NotificationType::Security => "Security",
    };
    title.into()
}
