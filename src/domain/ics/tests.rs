//! What is written reads back in a parser that is not ours.

use super::lines::LINE;
use super::*;
use crate::domain::recurrence::{Occurrence, local_ms};
use icalendar::parser::{Component as Parsed, read_calendar, unfold};
use std::sync::Arc;
use taskwire_protocol::{TaskId, UserId, WorkspaceId};
use uuid::Uuid;

fn task(title: &str) -> Task {
    Task {
        id: TaskId(Uuid::from_u128(7)),
        workspace_id: WorkspaceId(Uuid::from_u128(1)),
        project_id: None,
        parent_id: None,
        title: title.into(),
        description: None,
        completed: false,
        completed_at: None,
        stage: "todo".into(),
        blocked_by: Vec::new(),
        priority: Priority::None,
        due_at: None,
        all_day: false,
        remind_at: None,
        recurrence: None,
        position: "a0".into(),
        tags: Vec::new(),
        assignee_ids: Vec::new(),
        comment_count: 0,
        attachment_count: 0,
        is_deleted: false,
        deleted_at: None,
        version: 1,
        created_by: UserId(Uuid::from_u128(2)),
        created_at: Timestamp(1_795_946_400_000),
        updated_at: Timestamp(1_795_946_461_999),
    }
}

const OPEN: About<'_> = About {
    kind: StageKind::Open,
    project: None,
    reminds: true,
    standing: Some(BEGINS),
};

/// Where a series begins.
const BEGINS: Standing = Standing {
    zone: Tz::UTC,
    place: None,
    has_next: false,
};

fn written(component: Component, task: &Task, about: About<'_>) -> String {
    let mut text = String::new();
    let mut calendar = Calendar::begin(component, "Home, sweet home", Some(1), &mut text);
    calendar.add(task, about, &mut text);
    calendar.end(&mut text);
    text
}

/// The value of a property of the first component, as the parser has it.
fn value(text: &str, name: &str) -> Option<String> {
    let unfolded = unfold(text);
    let calendar = read_calendar(&unfolded).expect("a calendar");
    let found: &Parsed<'_> = calendar.components.first().expect("a component");
    let found = found
        .properties
        .iter()
        .find(|property| property.name.as_str() == name);
    found.map(|property| property.val.as_str().to_owned())
}

#[test]
fn a_hostile_title_stays_one_text() {
    for (title, expected) in [
        ("a\r\nEND:VTODO\r\nBEGIN:VEVENT", "a\nEND:VTODO\nBEGIN:VEVENT"),
        ("a\nb\rc", "a\nb\nc"),
        ("; , \\ : \" '", "; , \\ : \" '"),
        ("bell\u{7}\u{0}\u{1b}[31m\u{85}end", "bell[31mend"),
        ("a\u{2028}b\u{2029}c", "a\nb\nc"),
        ("tab\there", "tab\there"),
    ] {
        let text = written(Component::Todo, &task(title), OPEN);
        assert_eq!(value(&text, "SUMMARY").as_deref(), Some(expected), "{title:?}");
        assert_eq!(text.matches("BEGIN:VTODO").count(), 1);
        assert!(!text.contains("\nBEGIN:VEVENT"), "{title:?}");
    }
}

#[test]
fn lines_are_folded_without_cutting_a_character() {
    for title in [
        "ü".repeat(199),
        "🥛".repeat(150),
        "a🥛ü€".repeat(50),
        "x".repeat(75),
    ] {
        let text = written(Component::Todo, &task(&title), OPEN);
        assert!(text.ends_with("END:VCALENDAR\r\n"));
        let lines: Vec<&str> = text.split_inclusive("\r\n").collect();
        assert!(
            lines
                .iter()
                .all(|line| line.len() <= LINE + 2 && line.ends_with("\r\n"))
        );
        assert!(
            lines
                .iter()
                .all(|line| !line.trim_end_matches("\r\n").contains(['\r', '\n']))
        );
        assert_eq!(value(&text, "SUMMARY"), Some(title));
    }
}

#[test]
fn a_task_becomes_a_to_do_with_everything() {
    let parent = TaskId(Uuid::from_u128(9));
    let full = Task {
        parent_id: Some(parent),
        description: Some("first\nsecond".into()),
        priority: Priority::Urgent,
        due_at: Some(Timestamp(1_796_032_800_000)),
        remind_at: Some(Timestamp(1_796_029_200_000)),
        recurrence: Some("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101".into()),
        tags: vec!["a,b".into(), "c".into()],
        ..task("Pay rent")
    };
    let about = About {
        kind: StageKind::Active,
        project: Some("Flat; 2nd floor"),
        ..OPEN
    };
    let text = written(Component::Todo, &full, about);
    for (name, expected) in [
        ("UID", "00000000-0000-0000-0000-000000000007"),
        ("DTSTAMP", "20261129T100101Z"),
        ("CREATED", "20261129T100000Z"),
        ("DTSTART", "20261130T100000Z"),
        ("RRULE", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101T235959Z"),
        ("PRIORITY", "1"),
        ("STATUS", "IN-PROCESS"),
        ("CATEGORIES", "a\\,b,c"),
        ("DESCRIPTION", "first\nsecond"),
        ("RELATED-TO", "00000000-0000-0000-0000-000000000009"),
        ("X-TASKWIRE-PROJECT", "Flat; 2nd floor"),
    ] {
        assert_eq!(value(&text, name), Some(expected.to_owned()), "{name}\n{text}");
    }
    assert_eq!(value(&text, "DUE"), None, "DUE must be later than DTSTART");
    assert!(text.contains("RELATED-TO;RELTYPE=PARENT:"));
    assert!(text.contains("TRIGGER;VALUE=DATE-TIME:20261130T090000Z\r\n"));
    let silent = About {
        reminds: false,
        ..about
    };
    assert!(!written(Component::Todo, &full, silent).contains("VALARM"));
}

#[test]
fn a_day_is_a_date_and_its_rule_has_no_times() {
    let day: Arc<str> = "rrule:freq=daily;byhour=9;until=20270101T090000Z".into();
    let all_day = Task {
        due_at: Some(Timestamp(1_795_996_800_000)),
        all_day: true,
        recurrence: Some(day),
        ..task("Tidy up")
    };
    let text = written(Component::Todo, &all_day, OPEN);
    assert!(text.contains("DTSTART;VALUE=DATE:20261130\r\n"), "{text}");
    assert_eq!(
        value(&text, "RRULE").as_deref(),
        Some("FREQ=DAILY;UNTIL=20270101")
    );
    let text = written(Component::Event, &all_day, OPEN);
    assert!(text.contains("DTSTART;VALUE=DATE:20261130\r\n") && !text.contains("DUE"));
    let once = Task {
        completed: true,
        completed_at: Some(Timestamp(1_795_946_400_000)),
        ..all_day
    };
    let text = written(Component::Todo, &once, OPEN);
    assert_eq!(value(&text, "STATUS").as_deref(), Some("COMPLETED"));
    assert_eq!(value(&text, "COMPLETED").as_deref(), Some("20261129T100000Z"));
    assert!(
        text.contains("DUE;VALUE=DATE:20261130\r\n") && !text.contains("DTSTART"),
        "{text}"
    );
}

#[test]
fn a_calendar_without_tasks_has_a_component() {
    let mut text = String::new();
    let calendar = Calendar::begin(Component::Todo, "Nothing", None, &mut text);
    calendar.end(&mut text);
    let unfolded = unfold(&text);
    let calendar = read_calendar(&unfolded).expect("a calendar");
    assert_eq!(calendar.components.len(), 1);
}

/// A task of a series in Berlin that was at eight on Monday, 2027-03-22, as the second one.
fn of_series(rule: &str, due: &str) -> String {
    let at = |text: &str| {
        Timestamp::parse(text)
            .unwrap_or_else(|| panic!("{text} is no time"))
            .0
    };
    let place = Occurrence {
        local_ms: local_ms(at("2027-03-22T07:00:00Z"), Tz::Europe__Berlin).expect("a time"),
        number: 2,
    };
    let standing = Standing {
        zone: Tz::Europe__Berlin,
        place: Some(place),
        has_next: false,
    };
    let task = Task {
        due_at: Some(Timestamp(at(due))),
        remind_at: Some(Timestamp(at(due))),
        recurrence: Some(rule.into()),
        ..task("Bins")
    };
    let standing = Some(standing);
    let text = written(Component::Todo, &task, About { standing, ..OPEN });
    let names = ["DTSTART;", "RRULE:", "RECURRENCE-ID;", "DUE:", "TRIGGER;"];
    let todos = text.split("END:VTIMEZONE").last().expect("a text").lines();
    let lines: Vec<&str> = todos
        .filter(|line| names.iter().any(|name| line.starts_with(name)))
        .collect();
    lines
        .join(" ")
        .replace(";TZID=Europe/Berlin:", "=")
        .replace("TRIGGER;VALUE=DATE-TIME:", "!")
}

#[test]
fn a_series_goes_on_from_where_it_stands() {
    for (rule, due, expected) in [
        (
            "FREQ=WEEKLY;COUNT=5",
            "2027-03-22T07:00:00.999Z",
            "DTSTART=20270322T080000 RRULE:FREQ=WEEKLY;COUNT=4 !20270322T070000Z",
        ),
        // postponed, done earlier, and moved past the date after it
        (
            "FREQ=WEEKLY;COUNT=5",
            "2027-03-24T12:00:00Z",
            "DTSTART=20270322T080000 RRULE:FREQ=WEEKLY;COUNT=4 RECURRENCE-ID=20270322T080000 DUE:20270324T120000Z !20270324T120000Z",
        ),
        (
            "FREQ=WEEKLY",
            "2027-03-20T07:00:00Z",
            "DTSTART=20270322T080000 RRULE:FREQ=WEEKLY RECURRENCE-ID=20270322T080000 DUE:20270320T070000Z !20270320T070000Z",
        ),
        (
            "FREQ=WEEKLY;COUNT=5",
            "2027-04-06T06:00:00Z",
            "DTSTART=20270405T080000 RRULE:FREQ=WEEKLY;COUNT=2 RECURRENCE-ID=20270405T080000 DUE:20270406T060000Z !20270406T060000Z",
        ),
        // onto it, which by UTC is an hour earlier
        (
            "FREQ=WEEKLY;COUNT=5",
            "2027-03-29T06:00:00Z",
            "DTSTART=20270329T080000 RRULE:FREQ=WEEKLY;COUNT=3 !20270329T060000Z",
        ),
        // the last one
        (
            "FREQ=WEEKLY;COUNT=2",
            "2027-03-22T07:00:00Z",
            "DUE:20270322T070000Z !20270322T070000Z",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20270322",
            "2027-03-22T07:00:00Z",
            "DTSTART=20270322T080000 RRULE:FREQ=WEEKLY;UNTIL=20270322T225959Z !20270322T070000Z",
        ),
        (
            "FREQ=WEEKLY;UNTIL=20270321",
            "2027-03-22T07:00:00Z",
            "DUE:20270322T070000Z !20270322T070000Z",
        ),
        // so far that its series begins anew
        (
            "FREQ=SECONDLY",
            "2027-03-22T08:00:00Z",
            "DTSTART=20270322T090000 RRULE:FREQ=SECONDLY !20270322T080000Z",
        ),
    ] {
        assert_eq!(of_series(rule, due), expected, "{rule} {due}");
    }
}
