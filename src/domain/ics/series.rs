//! The series of a task that repeats, as a calendar computes it: its start, which is the date of the series that the task
//! has reached, by the clock on the wall in the zone by which the series goes on here too, and the rule with what is left
//! of it. Does not know tasks that do not repeat.

use super::lines::{day, local, moment, put};
use crate::domain::recurrence::{self, Occurrence, local_ms, moment_of};
use chrono_tz::Tz;
use taskwire_protocol::task::Task;

const DAY: i64 = 86_400_000;

/// Where a task stands in the series of its rule.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// The time zone of the person whose series it is.
    pub zone: Tz,
    /// The task's date in the series. `None`: the series begins with the task.
    pub place: Option<Occurrence>,
    /// The task after it was made, and the series is that one's.
    pub has_next: bool,
}

/// A series that goes on after a task.
#[derive(Debug)]
pub(super) struct Series {
    zone: Tz,
    all_day: bool,
    place: Occurrence,
    rule: String,
    /// The task itself is due at another moment than at its date in the series.
    pub(super) is_moved: bool,
}

impl Series {
    /// The series that a task goes on with, if one does.
    pub(super) fn of(task: &Task, standing: Standing) -> Option<Series> {
        let (rule, due) = (task.recurrence.as_ref()?, task.due_at?.0);
        if task.completed || standing.has_next {
            return None;
        }
        let all_day = task.all_day;
        let zone = if all_day { Tz::UTC } else { standing.zone };
        let (at, until) = if all_day {
            let midnight = due.div_euclid(DAY) * DAY;
            (midnight, midnight + DAY - 1)
        } else {
            (due, due)
        };
        let begins = || {
            Some(Occurrence {
                local_ms: local_ms(at, zone)?,
                number: 1,
            })
        };
        let place = standing.place.or_else(begins)?;
        let place = recurrence::reached(rule, place, until, zone)?;
        let reached = moment_of(place.local_ms, zone)?;
        Some(Series {
            zone,
            all_day,
            place,
            rule: left(rule, place, reached, all_day, zone)?,
            // calendars have no parts of seconds
            is_moved: reached.div_euclid(1000) != at.div_euclid(1000),
        })
    }

    /// The zone that the calendar has to describe. UTC has a notation of its own.
    pub(super) fn zone(&self) -> Option<Tz> {
        let is_utc = self.all_day || matches!(self.zone, Tz::UTC | Tz::Etc__UTC);
        (!is_utc).then_some(self.zone)
    }

    /// Adds the property with this name, whose value is the date in the series.
    pub(super) fn date(&self, name: &str, text: &mut String) {
        let shown = self.place.local_ms;
        match self.zone() {
            _ if self.all_day => put(text, &format!("{name};VALUE=DATE"), &day(shown)),
            None => put(text, name, &moment(shown)),
            Some(zone) => put(text, &format!("{name};TZID={}", zone.name()), &local(shown)),
        }
    }

    /// Adds the rule.
    pub(super) fn rule(&self, text: &mut String) {
        put(text, "RRULE", &self.rule);
    }
}

/// What is left of a rule from a date of its series on, in the form that its start demands: that of a day has no times,
/// that of a moment ends at one (section 3.3.10). `None`: the date is the last one.
fn left(rule: &str, from: Occurrence, at: i64, all_day: bool, zone: Tz) -> Option<String> {
    let rule = rule.to_ascii_uppercase();
    let mut parts = Vec::new();
    for part in rule.strip_prefix("RRULE:").unwrap_or(&rule).split(';') {
        let (name, value) = part.split_once('=')?;
        match name {
            "BYHOUR" | "BYMINUTE" | "BYSECOND" if all_day => {}
            // no calendar has several dates on one day
            "FREQ" if all_day && matches!(value, "HOURLY" | "MINUTELY" | "SECONDLY") => return None,
            "COUNT" => {
                let left = value.parse::<i64>().ok()? - (from.number - 1);
                parts.push(format!("COUNT={}", Some(left).filter(|left| *left > 1)?));
            }
            "UNTIL" => {
                let until = recurrence::until(value, zone).filter(|until| *until > at)?;
                let until = if all_day { day(until) } else { moment(until) };
                parts.push(format!("UNTIL={until}"));
            }
            _ => parts.push(part.to_owned()),
        }
    }
    Some(parts.join(";"))
}
