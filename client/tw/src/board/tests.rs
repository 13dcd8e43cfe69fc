use super::columns::{Shown, columns};
use super::cursor::{Cursor, Wish, wish};
use super::screen;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::{Terminal, backend::TestBackend};
use serde_json::{Value, json};
use taskwire_client::{
    protocol::{TaskId, WorkspaceId},
    replica::{Replica, WorkspaceReplica},
};

const WORKSPACE: &str = "01990000-0000-7000-8000-000000000001";
const ADA: &str = "01990000-0000-7000-8000-0000000000aa";
const AT: &str = "2026-01-02T08:00:00.000Z";

fn id(number: usize) -> String {
    format!("01990000-0000-7000-8000-0000001000{number:02}")
}

fn task(number: usize, title: &str, stage: &str, more: Value) -> Value {
    let is_done = stage == "done";
    let mut task = json!({
        "id": id(number), "workspace_id": WORKSPACE, "project_id": null, "parent_id": null, "title": title,
        "description": null, "completed": is_done, "completed_at": is_done.then_some(AT), "stage": stage,
        "blocked_by": [], "priority": "none", "due_at": null, "all_day": false, "remind_at": null,
        "recurrence": null, "position": format!("a{number:02}"), "tags": [], "assignee_ids": [],
        "comment_count": 0, "attachment_count": 0, "is_deleted": false, "deleted_at": null, "version": 1,
        "created_by": ADA, "created_at": AT, "updated_at": AT,
    });
    let (Some(fields), Value::Object(more)) = (task.as_object_mut(), more) else {
        return task;
    };
    fields.extend(more);
    task
}

/// A replica of a workspace with these tasks.
fn replica(tasks: &[Value]) -> (Replica, WorkspaceId) {
    let stages = json!([
        { "key": "todo", "name": "To do", "kind": "open", "color": null },
        { "key": "doing", "name": "Doing", "kind": "active", "color": null },
        { "key": "done", "name": "Done", "kind": "done", "color": null },
    ]);
    let ada = json!({ "id": ADA, "username": "ada", "name": "Ada", "photo_url": null });
    let page = json!({
        "seq": 1, "workspace": {
            "id": WORKSPACE, "name": "Home", "kind": "personal", "role": "owner", "stages": stages, "version": 1,
            "created_at": AT, "updated_at": AT,
        },
        "members": [{ "user": ada, "role": "owner", "joined_at": AT, "version": 1 }],
        "projects": [], "tags": [], "tasks": tasks,
    });
    let workspace: WorkspaceId = serde_json::from_value(json!(WORKSPACE)).expect("an id");
    let mut replica = Replica::new();
    let page = serde_json::from_value(page).expect("a page");
    replica.take_page(workspace, page).expect("taken");
    (replica, workspace)
}

fn titles(workspace: &WorkspaceReplica) -> Vec<Vec<String>> {
    let columns = columns(workspace, &Shown::default());
    let titles = columns
        .iter()
        .map(|column| column.tasks.iter().map(|task| task.title.to_string()).collect());
    titles.collect()
}

#[test]
fn a_column_is_a_stage_and_completed_tasks_come_newest_first() {
    let (replica, id) = replica(&[
        task(2, "second", "todo", json!({})),
        task(1, "first", "todo", json!({})),
        task(3, "gone", "todo", json!({ "is_deleted": true, "deleted_at": AT })),
        task(4, "old", "done", json!({})),
        task(
            5,
            "new",
            "done",
            json!({ "completed_at": "2026-01-03T08:00:00.000Z" }),
        ),
    ]);
    let workspace = replica.workspace(id).expect("a workspace");
    assert_eq!(
        titles(workspace),
        [vec!["first", "second"], vec![], vec!["new", "old"]]
    );
}

#[test]
fn the_cursor_stays_on_its_task_and_within_the_board() {
    let (before, place) = replica(&[
        task(1, "one", "todo", json!({})),
        task(2, "two", "todo", json!({})),
    ]);
    let before = columns(before.workspace(place).expect("a workspace"), &Shown::default());
    let mut cursor = Cursor::default();
    cursor.follow(&before);
    cursor.go(&before, 0, 9);
    let two: TaskId = serde_json::from_value(json!(id(2))).expect("an id");
    assert_eq!((cursor.row, cursor.task()), (1, Some(two)));
    assert_eq!(
        (cursor.stage(&before, 1), cursor.stage(&before, -1)),
        (Some("doing"), None)
    );

    let (after, place) = replica(&[
        task(1, "one", "todo", json!({})),
        task(2, "two", "done", json!({})),
    ]);
    let after = columns(after.workspace(place).expect("a workspace"), &Shown::default());
    cursor.follow(&after);
    assert_eq!((cursor.column, cursor.row), (2, 0));
    cursor.go(&after, 5, 0);
    assert_eq!(cursor.stage(&after, 1), None);
    cursor.go(&after, -1, 0);
    assert_eq!((cursor.column, cursor.task()), (1, None));
}

#[test]
fn keys_are_the_arrows_or_letters() {
    let key = |code, modifiers| wish(&KeyEvent::new(code, modifiers));
    let none = KeyModifiers::NONE;
    assert_eq!(key(KeyCode::Left, none), Some(Wish::Go(-1, 0)));
    assert_eq!(key(KeyCode::Right, KeyModifiers::SHIFT), Some(Wish::Move(1)));
    assert_eq!(key(KeyCode::Char('<'), none), Some(Wish::Move(-1)));
    assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Wish::Quit));
    assert_eq!(key(KeyCode::Char('c'), none), None);
}

#[test]
fn a_card_says_what_is_urgent_blocked_or_late_and_whose_it_is() {
    let more = json!({
        "priority": "high", "blocked_by": [id(2)], "due_at": "2020-01-01T00:00:00.000Z", "all_day": true,
        "assignee_ids": [ADA], "tags": ["home"],
    });
    let (replica, id) = replica(&[
        task(1, "Paint \u{1b}[31mthe door", "todo", more),
        task(2, "Buy paint", "doing", json!({})),
    ]);
    let workspace = replica.workspace(id).expect("a workspace");
    let columns = columns(workspace, &Shown::default());
    let mut terminal = Terminal::new(TestBackend::new(150, 8)).expect("a terminal");
    let cursor = Cursor::default();
    terminal
        .draw(|frame| screen::draw(frame, workspace, &columns, &cursor, "live"))
        .expect("drawn");
    let shown = terminal.backend().to_string();
    for text in [
        "To do 1",
        "Doing 1",
        "Done 0",
        "! Paint",
        "blocked 2020-01-01 @ada #home",
        "Buy paint",
        "live",
    ] {
        assert!(shown.contains(text), "no {text:?} in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'));
}
