//! The frames that a scripted server sends, and the entities in them.

use serde_json::{Value, json};
use taskwire_client::protocol::{StreamId, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

pub(crate) const ME: UserId = UserId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001));
pub(crate) const HOME: WorkspaceId = WorkspaceId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0002));

pub(crate) fn me() -> StreamId {
    ME.into()
}

pub(crate) fn home() -> StreamId {
    HOME.into()
}

pub(crate) fn user() -> Value {
    json!({"id": ME, "username": "ada", "name": "Ada", "email": "ada@example.com", "role": "user", "plan": "free",
        "is_active": true, "is_verified": true, "timezone": "UTC", "preferences": {}, "photo_url": null,
        "version": 1, "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

/// A welcome with these streams: name, head, and the reason if it is not resumed.
pub(crate) fn welcome(streams: &[(StreamId, u64, Option<&str>)]) -> Value {
    let streams: Vec<Value> = streams
        .iter()
        .map(|(stream, seq, reason)| match reason {
            None => json!({"stream": stream, "seq": seq, "resumed": true}),
            Some(reason) => json!({"stream": stream, "seq": seq, "resumed": false, "reason": reason}),
        })
        .collect();
    json!({"protocol": 1,
        "server": {"name": "taskwire", "version": "0.1.0", "instance": "i", "time": Timestamp(0)},
        "epoch": "e", "user": user(),
        "session": {"id": Uuid::from_u128(9), "expires_at": Timestamp(900_000)},
        "heartbeat_ms": 25_000,
        "limits": {"frame_bytes": 65_536, "in_flight": 32, "batch": 100, "streams": 256,
            "ops_per_second": 50, "burst": 200},
        "streams": streams})
}

/// The welcome of a first connection.
pub(crate) fn first_welcome() -> Value {
    welcome(&[(me(), 3, Some("new")), (home(), 10, Some("new"))])
}

/// The welcome of a later connection.
pub(crate) fn resumed_welcome() -> Value {
    welcome(&[(me(), 3, None), (home(), 20, None)])
}

pub(crate) fn workspace() -> Value {
    json!({"id": HOME, "name": "Home", "kind": "personal", "role": "owner", "version": 1,
        "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

pub(crate) fn task(n: u128, version: i64, title: &str) -> Value {
    json!({"id": Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_1000_0000 + n), "workspace_id": HOME,
        "project_id": null, "parent_id": null, "title": title, "description": null, "completed": false,
        "completed_at": null, "priority": "none", "due_at": null, "all_day": false, "remind_at": null,
        "recurrence": null, "position": "a", "tags": [], "assignee_ids": [], "stage": "todo", "blocked_by": [], "comment_count": 0,
        "attachment_count": 0, "is_deleted": false, "deleted_at": null, "version": version, "created_by": ME,
        "created_at": Timestamp(0), "updated_at": Timestamp(0)})
}

pub(crate) fn event(stream: StreamId, seq: u64, name: &str, data: &Value) -> Value {
    json!({"type": "event", "stream": stream, "seq": seq, "event": name, "at": Timestamp(0),
        "actor": {"id": ME, "name": "Ada"}, "data": data})
}

/// A task's event in the workspace's stream.
pub(crate) fn happened(seq: u64) -> Value {
    event(home(), seq, "task.created", &task(u128::from(seq), 1, "a"))
}

/// A page of a workspace's snapshot; the first one carries the workspace.
pub(crate) fn workspace_page(seq: u64, cursor: Option<&str>, first: bool, tasks: &[Value]) -> Value {
    let mut page = json!({"seq": seq, "tasks": tasks});
    if let Some(cursor) = cursor {
        page["cursor"] = json!(cursor);
    }
    if first {
        page["workspace"] = workspace();
        page["members"] = json!([]);
        page["projects"] = json!([]);
        page["tags"] = json!([]);
    }
    page
}

/// The user's snapshot.
pub(crate) fn user_snapshot(seq: u64) -> Value {
    json!({"seq": seq, "user": user(), "workspaces": [workspace()], "invites": [], "notifications": [], "unread": 2})
}

/// The answer to a sign-in or a refresh.
pub(crate) fn tokens(access: &str, refresh: &str, expires_in: u64) -> Value {
    json!({"access_token": access, "token_type": "Bearer", "expires_in": expires_in, "refresh_token": refresh,
        "user": user()})
}

/// An HTTP answer with this body, as text.
pub(crate) fn over_http(status: u16, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: ");
    format!("{head}{}\r\nconnection: close\r\n\r\n{body}", body.len())
}
