//! Completing a task that repeats makes the next one, by whatever operation it is completed. A task makes at most one next
//! task: completing it again makes none.

use crate::domain::recurrence::{self, Occurrence, day_of, local_ms, moment_of};
use crate::domain::{alarms::zone, position, stage};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs, Result};
use crate::store::repeats::Repeat;
use chrono_tz::{Tz, UTC};
use std::sync::Arc;
use taskwire_protocol::events;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::stage::Stages;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp};

const DAY: i64 = 86_400_000;
/// The last moment that a task may have: the end of the year 9999.
const LAST: i64 = 253_402_300_799_999;

/// What a mutation needs that may complete a task, or make it one that repeats.
pub(super) fn needs(task: TaskId, repeats_now: bool, needs: &mut Needs) {
    needs.repeating.insert((task, repeats_now));
}

/// Whether a change completes a task that repeats.
pub(super) fn is_due(before: Option<&Task>, task: &Task) -> bool {
    task.completed && task.recurrence.is_some() && before.is_some_and(|before| !before.completed)
}

/// Keeps the place in its series of a task that is changed. Another date postpones this task alone, and those after it come
/// as they would have; another rule begins a series at the task's date.
pub(super) fn stay(world: &mut World, before: &Task, task: &Task) {
    let Some(rule) = &task.recurrence else { return };
    let series = |task: &Task| (task.recurrence.clone(), task.all_day, task.due_at.is_some());
    let goes_on = series(before) == series(task);
    if goes_on && base(before) == base(task) {
        return;
    }
    let Some((at, all_day)) = base(if goes_on { before } else { task }) else {
        return;
    };
    // what comes after it was made, or it has its place
    let stays = |known: &Repeat| known.has_next || goes_on && is_of(known, rule, all_day);
    if world.repeats.get(task.id).is_some_and(stays) {
        return;
    }
    let zone = zone(world.zone(task.created_by));
    if let Some(place) = first(at, if all_day { UTC } else { zone }) {
        world.repeats.put(row(task.id, rule, all_day, place, false));
    }
}

/// Makes the next task after one that was completed.
pub(super) fn follow(act: &Act<'_>, world: &mut World, task: &Task) -> Result<()> {
    let Some(rule) = task.recurrence.clone() else {
        return Ok(());
    };
    let person = zone(world.zone(task.created_by));
    let Some(base) = Base::of(act, task, person) else {
        return Ok(());
    };
    let all_day = base.all_day;
    let zone = if all_day { UTC } else { person };
    // with another rule the task begins another series
    let known = world.repeats.get(task.id).cloned();
    let known = known.filter(|known| is_of(known, &rule, all_day));
    if known.as_ref().is_some_and(|known| known.has_next) {
        return Ok(());
    }
    let place = known.map(|known| Occurrence {
        local_ms: known.local_at,
        number: known.number,
    });
    let Some(place) = place.or_else(|| first(base.at, zone)) else {
        return Ok(());
    };
    // of dates on one day a series of days has one
    let after = base.at + if all_day { DAY - 1 } else { 0 };
    let Some((next_place, at)) = recurrence::next(&rule, place, after, zone) else {
        return Ok(());
    };
    let at = if all_day { midnight(at) } else { at };
    let mut next = next_task(act, task, base, at, &world.stages(task.workspace_id));
    next.remind_at = task
        .remind_at
        .and_then(|remind| reminder(remind, base, at, person));
    // Next to the completed task, which still counts, there may be no room below the parent. The next one is made anyway:
    // nobody could complete the task otherwise. So a series alone may go beyond `subtasks_per_task`, one by one.
    world.repeats.put(row(task.id, &rule, all_day, place, true));
    world.repeats.put(row(next.id, &rule, all_day, next_place, false));
    make(act, world, next)
}

fn is_of(known: &Repeat, rule: &Arc<str>, all_day: bool) -> bool {
    known.rule == *rule && known.all_day == all_day
}

fn row(task: TaskId, rule: &Arc<str>, all_day: bool, place: Occurrence, has_next: bool) -> Repeat {
    Repeat {
        task,
        rule: rule.clone(),
        all_day,
        local_at: place.local_ms,
        number: place.number,
        has_next,
    }
}

fn first(at: i64, zone: Tz) -> Option<Occurrence> {
    let local_ms = local_ms(at, zone)?;
    Some(Occurrence { local_ms, number: 1 })
}

fn midnight(at: i64) -> i64 {
    at.div_euclid(DAY) * DAY
}

/// The date from which a task with one repeats, and whether it is a day.
fn base(task: &Task) -> Option<(i64, bool)> {
    match (task.due_at, task.remind_at) {
        // an older version kept a time of the day
        (Some(due), _) if task.all_day => Some((midnight(due.0), true)),
        (Some(due), _) => Some((due.0, false)),
        (None, remind) => Some((remind?.0, false)),
    }
}

/// The date from which a task repeats.
#[derive(Clone, Copy)]
struct Base {
    at: i64,
    all_day: bool,
    /// The next task is due at its date. Otherwise only its reminder moves.
    is_due: bool,
}

impl Base {
    /// When the task is due; else when it reminds; else the day on which it is completed.
    fn of(act: &Act<'_>, task: &Task, zone: Tz) -> Option<Base> {
        let is_due = task.due_at.is_some() || task.remind_at.is_none();
        let (at, all_day) = match base(task) {
            Some(date) => date,
            None => (day_of(act.now.0, zone)?, true),
        };
        Some(Base { at, all_day, is_due })
    }
}

/// When the next task reminds: as long before it. Before a day that is by the person's clocks, which may change between.
fn reminder(remind: Timestamp, base: Base, at: i64, zone: Tz) -> Option<Timestamp> {
    let moved = at - base.at;
    let next = if base.all_day {
        moment_of(local_ms(remind.0, zone)?.checked_add(moved)?, zone)?
    } else {
        remind.0.checked_add(moved)?
    };
    (0..=LAST).contains(&next).then_some(Timestamp(next))
}

/// The next task, but for its reminder. It inherits what the task is; what happened to the task stays with it.
fn next_task(act: &Act<'_>, task: &Task, base: Base, at: i64, stages: &Stages) -> Task {
    let mut open = task.clone();
    stage::complete(&mut open, false, stages, act.now);
    Task {
        id: TaskId(act.new_id()),
        due_at: base.is_due.then_some(Timestamp(at)),
        all_day: if base.is_due { base.all_day } else { task.all_day },
        remind_at: None,
        position: position::at_end(act.new_id()).into(),
        comment_count: 0,
        attachment_count: 0,
        is_deleted: false,
        deleted_at: None,
        version: 1,
        created_at: act.now,
        updated_at: act.now,
        ..open
    }
}

/// Logs and writes the task, as the server's act. Nobody is notified: the people concerned hear of the completion.
fn make(act: &Act<'_>, world: &mut World, mut task: Task) -> Result<()> {
    let server = Caller::clone(act.caller).as_actor(Actor::Server);
    let act = Act {
        caller: &server,
        op_id: None,
        ..*act
    };
    // a job may not have taken all who left from their tasks yet
    task.assignee_ids
        .retain(|user| world.role(task.workspace_id, *user).is_some());
    world.emit::<events::TaskCreated>(&act, task.workspace_id, &task)?;
    world.put_task(task);
    Ok(())
}
