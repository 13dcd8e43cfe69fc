//! Completing a task that repeats makes the next one, by whatever operation it is completed. A task makes at most one next
//! task: completing it again makes none.

use crate::domain::recurrence::{self, Occurrence, day_of, local_ms};
use crate::domain::{alarms::zone, position, stage};
use crate::ops::world::World;
use crate::ops::{Act, Caller, Needs, Result};
use crate::store::repeats::Repeat;
use taskwire_protocol::events;
use taskwire_protocol::frames::Actor;
use taskwire_protocol::stage::Stages;
use taskwire_protocol::task::Task;
use taskwire_protocol::{TaskId, Timestamp};

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

/// Makes the next task after one that was completed.
pub(super) fn follow(act: &Act<'_>, world: &mut World, task: &Task) -> Result<()> {
    let Some(rule) = task.recurrence.clone() else {
        return Ok(());
    };
    let zone = zone(world.zone(task.created_by));
    let known = world.repeats.get(task.id).cloned();
    if known.as_ref().is_some_and(|known| known.has_next) {
        return Ok(());
    }
    let Some(base) = Base::of(act, task, zone) else {
        return Ok(());
    };
    let zone = if base.all_day { chrono_tz::Tz::UTC } else { zone };
    // with another rule the task begins another series
    let known = known.filter(|known| known.rule == rule && known.all_day == base.all_day);
    let place = known.map(|known| Occurrence {
        local_ms: known.local_at,
        number: known.number,
    });
    let Some(place) = place.or_else(|| first(base.at, zone)) else {
        return Ok(());
    };
    let Some((next_place, at)) = recurrence::next(&rule, place, base.at, zone) else {
        return Ok(());
    };
    let next = next_task(act, task, base, at, &world.stages(task.workspace_id));
    let row = |task: TaskId, place: Occurrence, has_next: bool| Repeat {
        task,
        rule: rule.clone(),
        all_day: base.all_day,
        local_at: place.local_ms,
        number: place.number,
        has_next,
    };
    // Next to the completed task, which still counts, there may be no room below the parent. The next one is made anyway:
    // nobody could complete the task otherwise. So a series alone may go beyond `subtasks_per_task`, one by one.
    world.repeats.put(row(task.id, place, true));
    world.repeats.put(row(next.id, next_place, false));
    make(act, world, next)
}

fn first(at: i64, zone: chrono_tz::Tz) -> Option<Occurrence> {
    let local_ms = local_ms(at, zone)?;
    Some(Occurrence { local_ms, number: 1 })
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
    fn of(act: &Act<'_>, task: &Task, zone: chrono_tz::Tz) -> Option<Base> {
        let (at, all_day, is_due) = match (task.due_at, task.remind_at) {
            (Some(due), _) => (due.0, task.all_day, true),
            (None, Some(remind)) => (remind.0, false, false),
            (None, None) => (day_of(act.now.0, zone)?, true, true),
        };
        Some(Base { at, all_day, is_due })
    }
}

/// The next task. It inherits what the task is; what happened to the task stays with it.
fn next_task(act: &Act<'_>, task: &Task, base: Base, at: i64, stages: &Stages) -> Task {
    let moved = at - base.at;
    let remind = |reminds: Timestamp| reminds.0.checked_add(moved).filter(|at| (0..=LAST).contains(at));
    let mut open = task.clone();
    stage::complete(&mut open, false, stages, act.now);
    Task {
        id: TaskId(act.new_id()),
        due_at: base.is_due.then_some(Timestamp(at)),
        all_day: if base.is_due { base.all_day } else { task.all_day },
        remind_at: task.remind_at.and_then(remind).map(Timestamp),
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
fn make(act: &Act<'_>, world: &mut World, task: Task) -> Result<()> {
    let server = Caller::clone(act.caller).as_actor(Actor::Server);
    let act = Act {
        caller: &server,
        op_id: None,
        ..*act
    };
    world.emit::<events::TaskCreated>(&act, task.workspace_id, &task)?;
    world.put_task(task);
    Ok(())
}
