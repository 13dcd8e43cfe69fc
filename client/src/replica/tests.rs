//! Snapshot + events = state: the cases in which this is not obvious.

use super::*;
use serde_json::{Value, json};
use taskwire_protocol::{
    NotificationId, Timestamp,
    member::Role::{Admin, Owner, Viewer},
};
use uuid::Uuid;

const ME: UserId = UserId(Uuid::from_u128(1));
const HOME: WorkspaceId = WorkspaceId(Uuid::from_u128(2));

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
}

fn event(stream: impl Into<StreamId>, seq: u64, name: &str, data: &Value) -> EventFrame {
    read(
        json!({"stream": stream.into(), "seq": seq, "event": name, "at": Timestamp(0), "actor": null, "data": data}),
    )
}

fn task(n: u128, version: i64) -> Value {
    json!({"id": Uuid::from_u128(n), "workspace_id": HOME, "project_id": null, "parent_id": null, "title": "a",
        "description": null, "completed": false, "completed_at": null, "priority": "none", "due_at": null,
        "all_day": false, "remind_at": null, "recurrence": null, "position": "a", "tags": [], "assignee_ids": [],
        "stage": "todo", "blocked_by": [], "comment_count": 0, "attachment_count": 0, "is_deleted": false, "deleted_at": null, "version": version,
        "created_by": ME, "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

fn workspace() -> Value {
    json!({"id": HOME, "name": "Home", "kind": "team", "role": "owner", "version": 1,
        "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

fn member(user: u128, role: &str, version: i64) -> Value {
    json!({"user": {"id": Uuid::from_u128(user), "username": "u", "name": "U", "photo_url": null}, "role": role,
        "joined_at": Timestamp(0), "version": version})
}

fn first(seq: u64, tasks: &Value) -> WorkspaceSnapshot {
    read(
        json!({"seq": seq, "workspace": workspace(), "members": [member(1, "owner", 1)], "projects": [],
        "tags": [], "tasks": tasks}),
    )
}

fn notification(n: u64, version: i64, is_read: bool) -> Value {
    json!({"id": Uuid::from_u128(u128::from(n)), "type": "TASK_CREATED", "title": "t", "message": "m",
        "is_read": is_read, "task_id": null, "workspace_id": null, "actor": null, "version": version,
        "created_at": Timestamp(n as i64)})
}

fn changed(n: u64, version: i64, is_read: bool, unread: u64) -> Value {
    let mut value = notification(n, version, is_read);
    value["unread"] = json!(unread);
    value
}

/// The user's snapshot, with the newest notifications first, as servers send them.
fn own(seq: u64, notifications: std::ops::Range<u64>) -> UserSnapshot {
    let unread = notifications.end - notifications.start;
    let notifications: Vec<Value> = notifications
        .rev()
        .take(100)
        .map(|n| notification(n, 1, false))
        .collect();
    let user = json!({"id": ME, "username": "ada", "name": "Ada", "email": "a@b.c", "role": "user", "plan": "free",
        "is_active": true, "is_verified": true, "timezone": "UTC", "preferences": {}, "photo_url": null,
        "version": 1, "created_at": Timestamp(0), "updated_at": Timestamp(0)});
    read(
        json!({"seq": seq, "user": user, "workspaces": [workspace()], "invites": [],
        "notifications": notifications, "unread": unread}),
    )
}

fn home(tasks: &Value) -> Replica {
    let mut replica = Replica::new();
    assert!(replica.take_page(HOME, first(10, tasks)).is_ok());
    replica
}

fn apply(replica: &mut Replica, event: &EventFrame) -> Applied {
    replica.apply(event).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn an_event_is_applied_once_and_in_order() {
    let mut replica = home(&json!([task(1, 1)]));
    let update = |seq, version| event(HOME, seq, "task.updated", &task(1, version));
    assert_eq!(apply(&mut replica, &update(10, 9)), Applied::Old);
    assert_eq!(apply(&mut replica, &update(12, 9)), Applied::NeedsSync);
    assert_eq!(apply(&mut replica, &update(11, 2)), Applied::Taken);
    assert_eq!(
        apply(&mut replica, &update(12, 1)),
        Applied::Taken,
        "its version is old"
    );
    let id = Uuid::from_u128(1).into();
    assert_eq!(replica.task(id).map(|task| task.version), Some(2));
    let other = event(WorkspaceId(Uuid::from_u128(3)), 1, "task.updated", &task(1, 1));
    assert_eq!(apply(&mut replica, &other), Applied::NeedsSync);
}

#[test]
fn a_purged_task_and_its_forgotten_entries_leave_nothing() {
    let mut replica = home(&json!([task(1, 1)]));
    let forgotten = json!({"id": Uuid::from_u128(1), "purged": true});
    apply(&mut replica, &event(HOME, 11, "task.updated", &forgotten));
    let purged = json!({"id": Uuid::from_u128(1), "version": 2});
    apply(&mut replica, &event(HOME, 12, "task.purged", &purged));
    assert_eq!(
        replica.difference(&{
            let mut fresh = Replica::new();
            assert!(fresh.take_page(HOME, first(12, &json!([]))).is_ok());
            fresh
        }),
        None
    );
}

#[test]
fn an_unreadable_event_changes_nothing_and_an_unknown_one_is_skipped() {
    let mut replica = home(&json!([]));
    assert!(
        replica
            .apply(&event(HOME, 11, "task.created", &json!({"id": 7})))
            .is_err()
    );
    let unknown = event(HOME, 11, "of.a_newer_server", &json!({"x": 1}));
    assert_eq!(apply(&mut replica, &unknown), Applied::Taken);
    assert_eq!(replica.workspace(HOME).map(WorkspaceReplica::seq), Some(11));
}

fn commented(n: u128, comments: i64) -> Value {
    let author = json!({"id": ME, "username": "ada", "name": "Ada", "photo_url": null});
    json!({"id": Uuid::from_u128(50), "task_id": Uuid::from_u128(n), "body": "b", "author": author, "mentions": [],
        "version": 1, "created_at": Timestamp(0), "updated_at": Timestamp(0),
        "task": {"id": Uuid::from_u128(n), "comment_count": comments, "attachment_count": 0}})
}

#[test]
fn comments_are_counted_also_between_the_pages_of_a_snapshot() {
    let mut page = first(10, &json!([task(1, 1)]));
    page.cursor = Some("next".to_owned());
    let mut replica = Replica::new();
    assert!(replica.take_page(HOME, page).is_ok());
    apply(
        &mut replica,
        &event(HOME, 11, "comment.created", &commented(1, 1)),
    );
    // of a task whose page the server read before
    apply(
        &mut replica,
        &event(HOME, 12, "comment.created", &commented(2, 3)),
    );
    let late: WorkspaceSnapshot = read(json!({"seq": 10, "tasks": [task(2, 1)]}));
    assert!(replica.take_page(HOME, late).is_ok());
    let counts = |replica: &Replica| {
        [1, 2].map(|n| {
            replica
                .task(Uuid::from_u128(n).into())
                .map(|task| task.comment_count)
        })
    };
    assert_eq!(counts(&replica), [Some(1), Some(3)]);
    apply(
        &mut replica,
        &event(HOME, 13, "comment.deleted", &commented(2, 2)),
    );
    assert_eq!(counts(&replica), [Some(1), Some(2)]);
    for (seq, name, attachments) in [(14, "attachment.created", 1), (15, "attachment.deleted", 0)] {
        let counts = json!({"id": Uuid::from_u128(2), "comment_count": 2, "attachment_count": attachments});
        let data = json!({"id": Uuid::from_u128(60), "task_id": Uuid::from_u128(2), "name": "a", "size": 1,
            "media_type": "text/plain", "created_by": ME, "created_at": Timestamp(0), "task": counts});
        apply(&mut replica, &event(HOME, seq, name, &data));
        let task = replica.task(Uuid::from_u128(2).into());
        assert_eq!(
            task.map(|task| task.attachment_count),
            Some(attachments),
            "{name}"
        );
    }
}

#[test]
fn a_reset_asks_for_a_sync() {
    let mut replica = home(&json!([]));
    let reset = event(HOME, 11, "stream.reset", &json!({"message": "much"}));
    assert_eq!(apply(&mut replica, &reset), Applied::NeedsSync);
}

#[test]
fn members_are_added_changed_and_removed() {
    let mut replica = home(&json!([]));
    apply(
        &mut replica,
        &event(HOME, 11, "member.added", &member(5, "viewer", 1)),
    );
    apply(
        &mut replica,
        &event(HOME, 12, "member.updated", &member(5, "admin", 2)),
    );
    let roles = |replica: &Replica| {
        replica.workspace(HOME).map(|home| {
            home.members()
                .values()
                .map(|member| member.role)
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(roles(&replica), Some(vec![Owner, Admin]));
    let removed = json!({"user_id": Uuid::from_u128(5)});
    apply(&mut replica, &event(HOME, 13, "member.removed", &removed));
    assert_eq!(roles(&replica), Some(vec![Owner]));
}

#[test]
fn another_name_of_a_workspace_reaches_the_users_list_and_leaves_the_role() {
    let mut replica = home(&json!([]));
    replica.take_user(own(1, 0..1));
    let mut renamed = workspace();
    (renamed["name"], renamed["version"]) = (json!("Garden"), json!(2));
    renamed.as_object_mut().map(|fields| fields.remove("role"));
    apply(&mut replica, &event(HOME, 11, "workspace.updated", &renamed));
    let listed = |replica: &Replica| {
        let user = replica.user().unwrap_or_else(|| panic!("not synced"));
        user.workspaces()
            .get(&HOME)
            .map(|home| (home.name.to_string(), home.role))
    };
    assert_eq!(listed(&replica), Some(("Garden".to_owned(), Some(Owner))));
    // a snapshot from before the change does not undo it
    replica.take_user(own(1, 0..1));
    assert_eq!(listed(&replica), Some(("Garden".to_owned(), Some(Owner))));
    let lost = json!({"workspace_id": HOME, "reason": "deleted"});
    let deleted = json!({"id": HOME, "version": 3});
    apply(&mut replica, &event(HOME, 12, "workspace.deleted", &deleted));
    apply(&mut replica, &event(ME, 2, "access.lost", &lost));
    assert!(listed(&replica).is_none() && replica.workspace(HOME).is_none());
}

#[test]
fn a_changed_workspace_shows_in_its_replica_and_in_the_list_of_the_user() {
    let mut replica = Replica::new();
    replica.take_user(own(1, 0..0));
    assert!(replica.take_page(HOME, first(10, &json!([]))).is_ok());
    let mut changed = workspace();
    changed.as_object_mut().map(|fields| fields.remove("role"));
    changed["name"] = json!("House");
    changed["version"] = json!(2);
    changed["stages"] = json!([{"key": "a", "name": "A", "kind": "open", "color": null},
        {"key": "b", "name": "B", "kind": "done", "color": "#102030"}]);
    apply(&mut replica, &event(HOME, 11, "workspace.updated", &changed));
    let seen = replica.workspace(HOME).and_then(WorkspaceReplica::workspace);
    let keys = seen.map(|workspace| workspace.stages.keys());
    assert_eq!(keys.as_deref(), Some("a, b"));
    // a snapshot that was read before the change
    replica.take_user(own(1, 0..0));
    let listed = replica.user().and_then(|user| user.workspaces().get(&HOME));
    let listed = listed.unwrap_or_else(|| panic!("not listed"));
    assert_eq!((&*listed.name, listed.role), ("House", Some(Owner)));
}

#[test]
fn a_task_of_an_older_server_is_in_a_standard_stage() {
    let old = |n, completed: bool| {
        let mut task = task(n, 1);
        task["completed"] = json!(completed);
        task.as_object_mut().map(|fields| fields.remove("stage"));
        task
    };
    let replica = home(&json!([old(1, false), old(2, true)]));
    let stage = |n| {
        replica
            .task(Uuid::from_u128(n).into())
            .map(|task| task.stage.to_string())
    };
    assert_eq!(
        (stage(1), stage(2)),
        (Some("todo".to_owned()), Some("done".to_owned()))
    );
}

#[test]
fn a_later_page_without_the_first_is_refused() {
    let page: WorkspaceSnapshot = read(json!({"seq": 1, "tasks": []}));
    assert!(Replica::new().take_page(HOME, page).is_err());
}

#[test]
fn all_read_marks_the_notifications_up_to_its_time() {
    let mut replica = Replica::new();
    replica.take_user(own(1, 0..3));
    let all = json!({"up_to": Timestamp(1), "updated": 2, "unread": 1});
    apply(&mut replica, &event(ME, 2, "notification.all_read", &all));
    let user = replica.user().unwrap_or_else(|| panic!("not synced"));
    let unread: Vec<_> = user.notifications().values().filter(|n| !n.is_read).collect();
    assert_eq!((unread.len(), replica.unread()), (1, 1));
}

#[test]
fn a_replica_holds_the_newest_hundred_notifications_and_agrees_with_a_fresh_snapshot() {
    let mut replica = Replica::new();
    replica.take_user(own(1, 0..99));
    for n in 99..105 {
        apply(
            &mut replica,
            &event(ME, n - 97, "notification.created", &changed(n, 1, false, n + 1)),
        );
    }
    let held = |replica: &Replica| replica.user().map(|user| user.notifications().len());
    assert_eq!(held(&replica), Some(100));
    let mut fresh = Replica::new();
    fresh.take_user(own(7, 0..105));
    assert_eq!(replica.difference(&fresh), None);
    // A notification that is older than all held ones may change; the replica does not add it.
    apply(
        &mut replica,
        &event(ME, 8, "notification.updated", &changed(2, 2, true, 104)),
    );
    assert_eq!(held(&replica), Some(100));
    // After a deletion, the snapshot has one more old notification than the replica can know.
    let gone = json!({"id": NotificationId(Uuid::from_u128(104)), "unread": 103});
    apply(&mut replica, &event(ME, 9, "notification.deleted", &gone));
    let mut fresh = Replica::new();
    let mut snapshot = own(9, 0..104);
    snapshot.unread = 103;
    fresh.take_user(snapshot);
    assert_eq!(replica.difference(&fresh), None);
    assert_eq!(held(&replica), Some(99));
}

#[test]
fn a_role_changes_and_lost_access_removes_the_workspace() {
    let mut replica = home(&json!([]));
    replica.take_user(own(1, 0..0));
    apply(
        &mut replica,
        &event(
            ME,
            2,
            "access.changed",
            &json!({"workspace_id": HOME, "role": "viewer"}),
        ),
    );
    let role = |replica: &Replica| replica.user().and_then(|user| user.workspaces().get(&HOME)?.role);
    assert_eq!(role(&replica), Some(Viewer));
    apply(
        &mut replica,
        &event(
            ME,
            3,
            "access.lost",
            &json!({"workspace_id": HOME, "reason": "left"}),
        ),
    );
    assert_eq!(role(&replica), None);
    assert!(replica.workspace(HOME).is_none());
}

#[test]
fn a_difference_names_the_entity() {
    let (one, other) = (home(&json!([task(1, 1)])), home(&json!([task(1, 2)])));
    let difference = one.difference(&other).unwrap_or_default();
    assert!(difference.contains("task TaskId("), "{difference}");
    assert_eq!(one.difference(&one.clone()), None);
}

#[test]
fn the_newest_notification_stays_when_a_clock_was_set_back() {
    let mut replica = Replica::new();
    replica.take_user(own(3, 1..101));
    let mut late = changed(101, 1, false, 101);
    late["created_at"] = json!(Timestamp(0));
    apply(&mut replica, &event(ME, 4, "notification.created", &late));
    let mut snapshot = own(4, 2..102);
    // the newest comes first
    snapshot.notifications[0].created_at = Timestamp(0);
    snapshot.unread = 101;
    let mut fresh = Replica::new();
    fresh.take_user(snapshot);
    assert_eq!(replica.difference(&fresh), None);
}
