//! Who is notified of what. Each user concerned gets one notification per mutation, only if they may read what it is about,
//! and as their preferences (`domain/notices`) want it.

use super::world::{Logged, World};
use super::{Act, Result};
use crate::domain::notices::Made;
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

/// Notifies one user, as far as their preferences want it.
pub(super) fn tell(act: &Act<'_>, world: &mut World, user: UserId, notice: Notice) -> Result<()> {
    let actor = acting_user(act);
    let own = actor.as_ref().is_some_and(|actor| actor.id == user);
    match world.wishes(user).of_type(notice.r#type, own) {
        Some(made) => notify(act, world, user, notice, made).map(drop),
        None => Ok(()),
    }
}

/// Tells one user about the security of their account. No preference turns that off.
pub(super) fn warn(
    act: &Act<'_>,
    world: &mut World,
    user: UserId,
    message: String,
) -> Result<Logged<Notification>> {
    let notice = Notice::of_account(NotificationType::Security, message);
    notify(act, world, user, notice, Made { is_read: false })
}

fn notify(
    act: &Act<'_>,
    world: &mut World,
    user: UserId,
    notice: Notice,
    made: Made,
) -> Result<Logged<Notification>> {
    let notification = Notification {
        id: NotificationId(act.new_id()),
        r#type: notice.r#type,
        title: title(notice.r#type),
        message: notice.message.into(),
        is_read: made.is_read,
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
    for user in concerned(act, world, task) {
        let had_it = before.is_some_and(|before| before.assignee_ids.contains(&user));
        let got_it = task.assignee_ids.contains(&user) && !had_it && user != act.caller.user.id;
        let r#type = if got_it {
            NotificationType::TaskAssigned
        } else {
            r#type
        };
        tell_one(act, world, user, task, r#type)?;
    }
    Ok(())
}

/// Notifies the people concerned by a new comment on a task, and those that it mentions. A person who is mentioned by
/// somebody else gets `MENTION` alone.
pub(super) fn tell_of_comment(
    act: &Act<'_>,
    world: &mut World,
    task: &Task,
    mentions: &[UserId],
) -> Result<()> {
    let others = |user: &UserId| *user == act.caller.user.id || !mentions.contains(user);
    for user in concerned(act, world, task).into_iter().filter(others) {
        tell_one(act, world, user, task, NotificationType::CommentAdded)?;
    }
    tell_of_mentions(act, world, task, mentions)
}

/// Notifies members, except the caller, of a comment that mentions them.
pub(super) fn tell_of_mentions(
    act: &Act<'_>,
    world: &mut World,
    task: &Task,
    mentions: &[UserId],
) -> Result<()> {
    for user in mentions.iter().filter(|user| **user != act.caller.user.id) {
        tell_one(act, world, *user, task, NotificationType::Mention)?;
    }
    Ok(())
}

/// The people concerned by a task: the caller, its creator, its assignees, each once, as far as they may read it.
fn concerned(act: &Act<'_>, world: &World, task: &Task) -> Vec<UserId> {
    let mut people: Vec<UserId> = Vec::with_capacity(2 + task.assignee_ids.len());
    for user in [act.caller.user.id, task.created_by]
        .iter()
        .chain(&task.assignee_ids)
    {
        if !people.contains(user) && world.role(task.workspace_id, *user).is_some() {
            people.push(*user);
        }
    }
    people
}

/// Tells one user of something about a task.
fn tell_one(
    act: &Act<'_>,
    world: &mut World,
    user: UserId,
    task: &Task,
    r#type: NotificationType,
) -> Result<()> {
    let notice = Notice {
        r#type,
        message: format!("{} {} “{}”", act.caller.user.name, verb(r#type), task.title),
        task: Some(task.id),
        workspace: Some(task.workspace_id),
    };
    tell(act, world, user, notice)
}

fn verb(r#type: NotificationType) -> &'static str {
    match r#type {
        NotificationType::TaskCreated => "created",
        NotificationType::TaskDeleted => "deleted",
        NotificationType::TaskRestored => "restored",
        NotificationType::TaskCompleted => "completed",
        NotificationType::TaskPending => "reopened",
        NotificationType::TaskAssigned => "gave you",
        NotificationType::CommentAdded => "commented on",
        NotificationType::Mention => "mentioned you in a comment on",
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
