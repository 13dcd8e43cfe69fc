//! When a person is told about a task, in their time zone, and in which words. Does not know who is told, nor whether they
//! want to be.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use taskwire_protocol::notification::NotificationType;
use taskwire_protocol::task::Task;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// Whose moments they are.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// The time zone.
    pub zone: Tz,
    /// How long before a task is due they want to know.
    pub lead_minutes: i64,
}

/// A time zone by its name; UTC for one that is unknown.
pub fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

/// When a task is due for a person: at `due_at`, or when its day begins.
pub fn due(task: &Task, person: Person) -> Option<i64> {
    let at = task.due_at?.0;
    if task.all_day {
        return begins(date(at)?, person.zone);
    }
    Some(at)
}

/// When a person is told that a task is due.
pub fn due_notice(task: &Task, person: Person) -> Option<i64> {
    Some(due(task, person)? - person.lead_minutes * MINUTE)
}

/// When a person is told that a task is overdue: an hour after `due_at`, or when its day has ended.
pub fn overdue_notice(task: &Task, person: Person) -> Option<i64> {
    let at = task.due_at?.0;
    if task.all_day {
        return begins(date(at)?.checked_add_days(Days::new(1))?, person.zone);
    }
    Some(at + HOUR)
}

/// The date of an all-day `due_at`.
fn date(at_ms: i64) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp_millis(at_ms)?.date_naive())
}

/// When a day begins in a zone.
pub(super) fn begins(day: NaiveDate, zone: Tz) -> Option<i64> {
    utc(day.and_hms_opt(0, 0, 0)?, zone)
}

/// The moment at which clocks in a zone show this: the first one where they show it twice. Where they skip it, the moment
/// at which they would show it if they had not been changed (RFC 5545, section 3.3.5).
pub(super) fn utc(shown: NaiveDateTime, zone: Tz) -> Option<i64> {
    if let Some(moment) = zone.from_local_datetime(&shown).earliest() {
        return Some(moment.timestamp_millis());
    }
    let before = shown.checked_sub_signed(TimeDelta::hours(24))?;
    let before = zone.from_local_datetime(&before).earliest()?;
    Some((before + TimeDelta::hours(24)).timestamp_millis())
}

/// What clocks in a zone show at a moment.
pub(super) fn shown(at_ms: i64, zone: Tz) -> Option<NaiveDateTime> {
    Some(
        DateTime::from_timestamp_millis(at_ms)?
            .with_timezone(&zone)
            .naive_local(),
    )
}

/// What a person is told, as a sentence.
pub fn sentence(told: NotificationType, task: &Task, zone: Tz) -> String {
    let title = &task.title;
    let when = || when(task, zone).unwrap_or_default();
    match told {
        NotificationType::TaskDue if task.all_day => format!("“{title}” is due on {}", when()),
        NotificationType::TaskDue => format!("“{title}” is due at {}", when()),
        NotificationType::TaskOverdue => format!("“{title}” was due {}", when()),
        _ => format!("Reminder: “{title}”"),
    }
}

fn when(task: &Task, zone: Tz) -> Option<String> {
    let at = task.due_at?.0;
    if task.all_day {
        return Some(date(at)?.format("%-d %B %Y").to_string());
    }
    Some(shown(at, zone)?.format("%H:%M, %-d %B %Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use taskwire_protocol::Timestamp;

    fn ms(text: &str) -> i64 {
        Timestamp::parse(text).expect("a time").0
    }

    fn task(due: &str, all_day: bool) -> Task {
        let id = "0199a000-0000-7000-8000-000000000001";
        let task = serde_json::json!({
            "id": id, "workspace_id": id, "project_id": null, "parent_id": null, "title": "Pay rent", "description": null,
            "completed": false, "completed_at": null, "priority": "none", "due_at": due, "all_day": all_day,
            "remind_at": null, "recurrence": null, "position": "a", "tags": [], "assignee_ids": [], "comment_count": 0,
            "attachment_count": 0, "is_deleted": false, "deleted_at": null, "version": 1, "created_by": id,
            "created_at": due, "updated_at": due,
        });
        serde_json::from_value(task).expect("a task")
    }

    fn person(name: &str, lead_minutes: i64) -> Person {
        let zone = zone(name);
        Person { zone, lead_minutes }
    }

    #[test]
    fn a_moment_is_the_same_everywhere_and_a_day_begins_where_the_person_is() {
        let exact = task("2027-03-01T12:00:00Z", false);
        let day = task("2027-03-01T00:00:00Z", true);
        for (of, lead, due, overdue) in [
            ("UTC", 0, "2027-03-01T00:00:00Z", "2027-03-02T00:00:00Z"),
            (
                "Pacific/Kiritimati",
                0,
                "2027-02-28T10:00:00Z",
                "2027-03-01T10:00:00Z",
            ),
            (
                "Pacific/Pago_Pago",
                90,
                "2027-03-01T09:30:00Z",
                "2027-03-02T11:00:00Z",
            ),
        ] {
            let of = person(of, lead);
            assert_eq!(
                due_notice(&exact, of),
                Some(ms("2027-03-01T12:00:00Z") - lead * MINUTE)
            );
            assert_eq!(overdue_notice(&exact, of), Some(ms("2027-03-01T13:00:00Z")));
            assert_eq!(due_notice(&day, of), Some(ms(due)));
            assert_eq!(overdue_notice(&day, of), Some(ms(overdue)));
        }
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_an_hour_later_by_the_clock() {
        // Cairo, 28 April 2028: from 0:00 to 1:00
        let day = task("2028-04-28T00:00:00Z", true);
        assert_eq!(
            due_notice(&day, person("Africa/Cairo", 0)),
            Some(ms("2028-04-27T22:00:00Z"))
        );
    }

    #[test]
    fn sentences_have_the_time_in_the_persons_zone() {
        let zone = zone("Europe/Berlin");
        let exact = task("2027-07-01T22:30:00Z", false);
        let told = sentence(NotificationType::TaskDue, &exact, zone);
        assert!(told.ends_with("is due at 00:30, 2 July 2027"), "{told}");
        let told = sentence(
            NotificationType::TaskOverdue,
            &task("2027-07-01T00:00:00Z", true),
            zone,
        );
        assert!(told.ends_with("was due 1 July 2027"), "{told}");
    }
}
