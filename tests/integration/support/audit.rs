//! Reads the logs from their first entry, the rows and the counters, and checks that they agree.

use super::fold::WorkspaceState;
use super::knowledge::{Replica, by_id, text};
use super::{Client, Server, eventually};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The logs that one user may read, by stream.
pub type Logs = BTreeMap<String, Vec<Value>>;

/// Reads everything that a user may read, on a new socket. Asserts that each log has the seqs from 1 to its head, and
/// that folding it gives the rows and the counters.
pub async fn agree(server: &Server, tokens: &Value) -> Logs {
    let mut client = Client::with_tokens(server, tokens, json!({})).await;
    let mut logs = Logs::new();
    for (stream, head) in heads(&client) {
        let log = history(&mut client, &stream, head).await;
        logs.insert(stream, log);
    }
    let mut folded = Replica::of(client.user_id());
    for (stream, log) in &logs {
        folded.positions.insert(stream.clone(), 0);
        if let Some(workspace) = stream.strip_prefix("workspace:") {
            folded
                .boards
                .insert(workspace.to_owned(), WorkspaceState::default());
            for event in log {
                folded.apply(event);
            }
        }
    }
    // the user's own log has `access.granted`, which would drop the boards: fold it last, and put the boards back
    let boards = folded.boards.clone();
    for event in &logs[&folded.own_stream()] {
        folded.apply(event);
    }
    folded.boards = boards;
    rows(&mut client, &folded).await;
    logs
}

/// Waits until an instance knows everything that others committed to a user's streams. Without Redis this takes up to
/// 3 s.
pub async fn heard(server: &Server, tokens: &Value) {
    eventually("an instance that knows the heads of the logs", async || {
        let mut client = Client::with_tokens(server, tokens, json!({})).await;
        for (stream, head) in heads(&client) {
            let beyond = json!({ "stream": stream, "after": head, "limit": 1 });
            if client.ok("stream.history", beyond).await["events"] != json!([]) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

/// Compares a replica with the rows and counters, as the server reads them now.
pub async fn rows(client: &mut Client, held: &Replica) {
    let own = client.ok("user.sync", json!({})).await;
    assert_eq!(held.unread(), own["unread"], "unread");
    let all = pages(client, "notification.list", json!({ "limit": 100 })).await;
    let unread = all.iter().filter(|notification| notification["is_read"] == false);
    assert_eq!(
        own["unread"],
        json!(unread.count()),
        "the counter of unread notifications"
    );
    same(
        "notification",
        &known_actors(held.notifications()),
        &known_actors(&by_id(&json!(all))),
    );
    same("invite", held.invites(), &by_id(&own["invites"]));
    same(
        "workspace",
        &held.workspaces_by_name(),
        &by_id(&own["workspaces"]),
    );
    for id in held.workspaces().keys() {
        let fresh = board(client, id).await;
        same("member", &held.boards[id].members, &fresh.members);
        same("project", &held.boards[id].projects, &fresh.projects);
        same("tag", &held.boards[id].tags, &fresh.tags);
        same("task", &held.boards[id].tasks, &fresh.tasks);
        totals(client, id, &fresh.tasks).await;
        stages(fresh.workspace(), &fresh.tasks);
        blockers(&fresh.tasks);
        references(&fresh);
    }
}

/// A stream's log from its first entry to the head, without a gap.
async fn history(client: &mut Client, stream: &str, head: u64) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let data = json!({ "stream": stream, "after": events.len(), "limit": 500 });
        let page = client.ok("stream.history", data).await;
        events.extend(page["events"].as_array().expect("events").iter().cloned());
        if page["has_more"] == false {
            break;
        }
    }
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(
            (&event["seq"], text(&event["stream"])),
            (&json!(seq), stream),
            "{event}"
        );
    }
    assert_eq!(events.len() as u64, head, "{stream}");
    events
}

/// The heads of a user's streams, as a new socket learns them.
pub fn heads(client: &Client) -> BTreeMap<String, u64> {
    let streams = client.welcome["data"]["streams"].as_array().expect("streams");
    let head = |state: &Value| {
        (
            text(&state["stream"]).to_owned(),
            state["seq"].as_u64().expect("a seq"),
        )
    };
    streams.iter().map(head).collect()
}

/// A workspace's snapshot.
async fn board(client: &mut Client, workspace: &str) -> WorkspaceState {
    let mut snapshot = Replica::default();
    let mut data = json!({ "workspace_id": workspace });
    loop {
        let page = client.ok("workspace.sync", data.clone()).await;
        match snapshot.take_page(workspace, &page) {
            Some(cursor) => data["cursor"] = cursor,
            None => return snapshot.boards.remove(workspace).expect("a board"),
        }
    }
}

/// Asserts that the workspace's counters equal a count of its tasks.
async fn totals(client: &mut Client, workspace: &str, tasks: &BTreeMap<String, Value>) {
    let count = |fits: &dyn Fn(&Value) -> bool| tasks.values().filter(|task| fits(task)).count();
    let living = |task: &Value| task["is_deleted"] == false;
    let done = |task: &Value| task["completed"] == true;
    let expected = [
        ("all", tasks.len()),
        ("deleted", count(&|task| !living(task))),
        ("pending", count(&|task| living(task) && !done(task))),
        ("completed", count(&|task| living(task) && done(task))),
    ];
    for (status, expected) in expected {
        let data = json!({ "workspace_id": workspace, "status": status, "limit": 1 });
        let page = client.ok("task.list", data).await;
        assert_eq!(page["total"], json!(expected), "{status} tasks");
    }
}

/// Asserts that each task is in a stage of the workspace, and completed exactly in one of kind `done`.
fn stages(workspace: &Value, tasks: &BTreeMap<String, Value>) {
    for task in tasks.values() {
        let stages = workspace["stages"].as_array().expect("stages").iter();
        let stage = stages.clone().find(|stage| stage["key"] == task["stage"]);
        let stage = stage.unwrap_or_else(|| panic!("{task} is in none of {:?}", workspace["stages"]));
        assert_eq!(
            json!(stage["kind"] == "done"),
            task["completed"],
            "{task} in {stage}"
        );
        assert_eq!(
            task["completed"] == true,
            task["completed_at"].is_string(),
            "{task}"
        );
    }
}

/// Asserts that the project, the parent, the assignees and the tags of each task exist.
fn references(board: &WorkspaceState) {
    let tags: BTreeSet<&str> = board.tags.values().map(|tag| text(&tag["name"])).collect();
    for task in board.tasks.values() {
        let mut carried = task["tags"].as_array().expect("a list").iter();
        assert!(
            carried.all(|name| tags.contains(text(name))),
            "a name of no tag: {task}, {tags:?}"
        );
        let (project, parent) = (task["project_id"].as_str(), task["parent_id"].as_str());
        assert!(
            project.is_none_or(|id| board.projects.contains_key(id)),
            "no such project: {task}"
        );
        assert!(
            parent.is_none_or(|id| board.tasks.contains_key(id)),
            "no such parent: {task}"
        );
        let mut assignees = task["assignee_ids"].as_array().expect("a list").iter();
        assert!(
            assignees.all(|id| board.members.contains_key(text(id))),
            "not a member: {task}"
        );
    }
}

/// Asserts that whatever blocks a task exists, and that no tasks block each other in a circle.
fn blockers(tasks: &BTreeMap<String, Value>) {
    let of = |task: &Value| -> Vec<String> {
        let ids = task["blocked_by"].as_array().expect("a list").iter();
        ids.map(|id| text(id).to_owned()).collect()
    };
    let mut left: BTreeMap<&str, Vec<String>> =
        tasks.iter().map(|(id, task)| (id.as_str(), of(task))).collect();
    for (id, blockers) in &left {
        assert!(
            blockers.iter().all(|blocker| tasks.contains_key(blocker)),
            "{id} is blocked by {blockers:?}"
        );
    }
    // take away what nothing blocks, until nothing is left
    while !left.is_empty() {
        let before = left.len();
        let known = left.clone();
        left.retain(|_, blockers| {
            blockers
                .iter()
                .any(|blocker| known.contains_key(blocker.as_str()))
        });
        assert!(left.len() < before, "a circle: {left:?}");
    }
}

/// All items of a paged list.
pub async fn pages(client: &mut Client, name: &str, mut data: Value) -> Vec<Value> {
    let mut items = Vec::new();
    loop {
        let page = client.ok(name, data.clone()).await;
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        if page["next_cursor"].is_null() {
            return items;
        }
        data["cursor"] = page["next_cursor"].clone();
    }
}

/// Notifications with the ids of their actors only: a replica has an actor's profile as it was then, the rows as it is.
fn known_actors(notifications: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let mut all = notifications.clone();
    for notification in all.values_mut() {
        notification["actor"] = notification["actor"]["id"].clone();
    }
    all
}

/// Waits until a user's workspaces show the profile as it is now.
pub async fn spread(client: &mut Client) {
    eventually("workspaces that show the profile", async || {
        let own = client.ok("user.sync", json!({})).await;
        let public = |user: &Value| ["id", "username", "name", "photo_url"].map(|field| user[field].clone());
        for workspace in own["workspaces"].as_array().expect("workspaces") {
            let members = pages(client, "member.list", json!({ "workspace_id": workspace["id"] })).await;
            let row = members
                .iter()
                .find(|member| member["user"]["id"] == own["user"]["id"]);
            if public(&row.expect("a member")["user"]) != public(&own["user"]) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

fn same(what: &str, held: &BTreeMap<String, Value>, fresh: &BTreeMap<String, Value>) {
    for id in held.keys().chain(fresh.keys()) {
        assert_eq!(
            held.get(id),
            fresh.get(id),
            "{what} {id}: the replica and the rows differ"
        );
    }
}
