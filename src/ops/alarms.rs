//! The time of a task comes: the people concerned are told. What is told is decided from the task and the person as
//! they are at that moment, in the transaction that removes the alarm; so each is told once, however many instances
//! look. Does not know who looks, nor how often.

use super::letters;
use super::notices::{Notice, tell};
use super::step::{Step, decided_as_steps};
use super::world::World;
use super::{Act, Caller, DONE, Needs, Result, Target, json, not_found};
use crate::domain::alarms::{self as rules, Person};
use crate::domain::preferences;
use crate::store::alarms::{Alarm, AlarmKey, AlarmKind, JUST_PASSED_MS};
use std::sync::Arc;
use taskwire_protocol::account::User;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp, UserId, WorkspaceId};

decided_as_steps!(Ring);

/// Looks at alarms of the caller in one of their workspaces.
pub struct Ring {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The tasks, and what the alarms tell.
    pub alarms: Vec<(TaskId, AlarmKind)>,
    /// The caller has no socket here, so they are told by mail too.
    pub away: bool,
}

impl Ring {
    /// The keys of the alarms.
    pub fn keys(&self, user: UserId) -> impl Iterator<Item = AlarmKey> {
        self.alarms.iter().map(move |(task, kind)| (*task, user, *kind))
    }
}

impl Step for Ring {
    const NAME: &'static str = "task.ring";

    fn target(&self) -> Target {
        Target::Workspace(self.workspace)
    }

    fn needs(&self, caller: &Caller, needs: &mut Needs) {
        needs.accounts.insert(caller.user.id);
        needs.alarms.extend(self.keys(caller.user.id));
        needs.tasks.extend(self.alarms.iter().map(|(task, _)| *task));
    }

    fn decide(&self, act: &Act<'_>, world: &mut World) -> Result<Arc<str>> {
        let account = world.accounts.get(act.caller.user.id).cloned();
        let user = account.ok_or_else(|| not_found("account"))?.user;
        let person = Person {
            zone: rules::zone(&user.timezone),
            lead_minutes: preferences::due_lead(&user.preferences),
        };
        let mut told = Vec::new();
        for key in self.keys(user.id) {
            // without one, another instance was faster, or the task no longer has this time
            let Some(alarm) = world.alarms.get(key).cloned() else {
                continue;
            };
            let task = world.tasks.get(key.0).cloned();
            match task.and_then(|task| Some((moment(&alarm, &task, person)?, task))) {
                Some((at, _)) if at > act.now => {
                    world.alarms.put(Alarm { at, ..alarm });
                }
                Some((at, task)) => {
                    world.alarms.remove(key);
                    if is_meant(&alarm, at, &task, person) {
                        told.push((task.id, tell_one(act, world, &user, &task, person, key.2)?));
                    }
                }
                None => drop(world.alarms.remove(key)),
            }
        }
        if self.away {
            post(act, world, &user, told)?;
        }
        Ok(json(&DONE)?.into())
    }
}

/// When the alarm rings; `None` if the task no longer has its time.
fn moment(alarm: &Alarm, task: &Task, person: Person) -> Option<Timestamp> {
    let (base, moment) = match alarm.key.2 {
        AlarmKind::Reminder => (task.remind_at, task.remind_at.map(|at| at.0)),
        AlarmKind::Due => (task.due_at, rules::due_notice(task, person)),
        AlarmKind::Overdue => (task.due_at, rules::overdue_notice(task, person)),
    };
    moment.filter(|_| base == Some(alarm.base)).map(Timestamp)
}

/// Whether the person is told at the alarm's moment. Nobody is told what had passed when the task got its time; that a task
/// is due soon is told as long as it is not due.
fn is_meant(alarm: &Alarm, at: Timestamp, task: &Task, person: Person) -> bool {
    let user = alarm.key.1;
    let concerns = if task.assignee_ids.is_empty() {
        task.created_by == user
    } else {
        task.assignee_ids.contains(&user)
    };
    let last = match alarm.key.2 {
        AlarmKind::Due => rules::due(task, person).unwrap_or(at.0),
        AlarmKind::Reminder | AlarmKind::Overdue => at.0,
    };
    concerns && !task.completed && !task.is_deleted && last > alarm.since.0 - JUST_PASSED_MS
}

fn tell_one(
    act: &Act<'_>,
    world: &mut World,
    user: &User,
    task: &Task,
    person: Person,
    kind: AlarmKind,
) -> Result<NotificationType> {
    let r#type = match kind {
        AlarmKind::Reminder => NotificationType::TaskReminder,
        AlarmKind::Due => NotificationType::TaskDue,
        AlarmKind::Overdue => NotificationType::TaskOverdue,
    };
    let notice = Notice {
        r#type,
        message: rules::sentence(r#type, task, person.zone),
        task: Some(task.id),
        workspace: Some(task.workspace_id),
    };
    tell(act, world, user.id, notice)?;
    Ok(r#type)
}

/// Mails what a person was told, in one mail. An address that nobody verified may be a stranger's.
fn post(
    act: &Act<'_>,
    world: &mut World,
    user: &User,
    mut told: Vec<(TaskId, NotificationType)>,
) -> Result<()> {
    told.retain(|(_, r#type)| preferences::wants_mail(&user.preferences, *r#type));
    if told.is_empty() || !user.is_active || !user.is_verified {
        return Ok(());
    }
    letters::post_reminders(act, world, user, told)
}
