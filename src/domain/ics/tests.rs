//! What is written reads back in a parser that is not ours.

use super::*;
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
};

fn written(component: Component, task: &Task, about: About<'_>) -> String {
    let mut text = String::new();
    begin("Home, sweet home", Some(1), &mut text);
    add(component, task, about, &mut text);
    end(false, &mut text);
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
        reminds: true,
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
        completed: true,
        completed_at: Some(Timestamp(1_795_946_400_000)),
        ..task("Tidy up")
    };
    let text = written(Component::Todo, &all_day, OPEN);
    assert!(text.contains("DTSTART;VALUE=DATE:20261130\r\n"), "{text}");
    assert_eq!(
        value(&text, "RRULE").as_deref(),
        Some("FREQ=DAILY;UNTIL=20270101")
    );
    assert_eq!(value(&text, "STATUS").as_deref(), Some("COMPLETED"));
    assert_eq!(value(&text, "COMPLETED").as_deref(), Some("20261129T100000Z"));
    let text = written(Component::Event, &all_day, OPEN);
    assert!(text.contains("DTSTART;VALUE=DATE:20261130\r\n") && !text.contains("DUE"));
    let once = Task {
        recurrence: None,
        ..all_day
    };
    let text = written(Component::Todo, &once, OPEN);
    assert!(
        text.contains("DUE;VALUE=DATE:20261130\r\n") && !text.contains("DTSTART"),
        "{text}"
    );
}

#[test]
fn a_calendar_without_tasks_has_a_component() {
    let mut text = String::new();
    begin("Nothing", None, &mut text);
    end(true, &mut text);
    let unfolded = unfold(&text);
    let calendar = read_calendar(&unfolded).expect("a calendar");
    assert_eq!(calendar.components.len(), 1);
}
