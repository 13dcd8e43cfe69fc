//! What must hold when all clients have come to rest: the logs have no gap and each op once, the counters are right, and
//! every replica is what a fresh client sees.

use super::action::is_primary;
use super::actor::{Actor, Asked};
use crate::support::replica::by_id;
use crate::support::{Client, Replica, Server, text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Everything a client can read of a stream's log, in order; checks that it is 1 to the head without a gap.
pub async fn history(client: &mut Client, stream: &str, head: u64) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        let data = json!({ "stream": stream, "after": events.len(), "limit": 500 });
        let page = client.ok("stream.history", data).await;
        events.extend(page["events"].as_array().expect("events").iter().cloned());
        if page["has_more"] == false {
            break;
        }
    }
    for (i, event) in events.iter().enumerate() {
        assert_eq!(
            (&event["seq"], text(&event["stream"])),
            (&json!(i + 1), stream),
            "{event}"
        );
    }
    assert_eq!(events.len() as u64, head, "{stream}");
    events
}

/// The heads of a user's streams, as a new socket learns them.
pub fn heads(client: &Client) -> BTreeMap<String, u64> {
    let streams = client.welcome["data"]["streams"].as_array().expect("streams");
    let heads = streams.iter().map(|state| {
        (
            text(&state["stream"]).to_owned(),
            state["seq"].as_u64().expect("a seq"),
        )
    });
    heads.collect()
}

/// Whether a client that read along knows what a new one is told.
pub async fn replica(server: &Server, tokens: &Value, actor: &mut Actor<'_>) {
    let mut fresh = Client::with_tokens(server, tokens, json!({ "streams": "all" })).await;
    let heads = heads(&fresh);
    actor.catch_up(&heads).await;
    let held = &actor.replica;
    let own = fresh.ok("user.sync", json!({})).await;
    assert_eq!(held.unread, own["unread"], "unread");
    assert_eq!(held.workspaces, by_id(&own["workspaces"]), "workspaces");
    let all = pages(&mut fresh, "notification.list", json!({ "limit": 100 })).await;
    let all: BTreeMap<String, Value> = all.into_iter().map(|n| (text(&n["id"]).to_owned(), n)).collect();
    same("notification", &held.notifications, &all);
    let unread = all
        .values()
        .filter(|notification| notification["is_read"] == false)
        .count();
    assert_eq!(
        own["unread"],
        json!(unread),
        "the counter of unread notifications"
    );
    let mut snapshot = Replica::default();
    for id in held.workspaces.keys() {
        let mut cursor = None;
        loop {
            let mut data = json!({ "workspace_id": id });
            if let Some(cursor) = cursor {
                data["cursor"] = cursor;
            }
            let page = fresh.ok("workspace.sync", data).await;
            cursor = snapshot.take_page(id, &page);
            if cursor.is_none() {
                break;
            }
        }
        let (held, fresh_board) = (&held.boards[id], &snapshot.boards[id]);
        same("member", &held.members, &fresh_board.members);
        same("task", &held.tasks, &fresh_board.tasks);
        totals(&mut fresh, id, &fresh_board.tasks).await;
    }
}

/// A workspace's counters are what counting gives.
async fn totals(client: &mut Client, workspace: &str, tasks: &BTreeMap<String, Value>) {
    let count = |fits: &dyn Fn(&Value) -> bool| tasks.values().filter(|task| fits(task)).count();
    let living = |task: &Value| task["is_deleted"] == false;
    let expected = [
        ("all", tasks.len()),
        ("deleted", count(&|task| !living(task))),
        (
            "pending",
            count(&|task| living(task) && task["completed"] == false),
        ),
        (
            "completed",
            count(&|task| living(task) && task["completed"] == true),
        ),
    ];
    for (status, expected) in expected {
        let data = json!({ "workspace_id": workspace, "status": status, "limit": 1 });
        let page = client.ok("task.list", data).await;
        assert_eq!(page["total"], json!(expected), "{status} tasks");
    }
}

async fn pages(client: &mut Client, name: &str, mut data: Value) -> Vec<Value> {
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

fn same(what: &str, held: &BTreeMap<String, Value>, fresh: &BTreeMap<String, Value>) {
    for id in held.keys().chain(fresh.keys()) {
        assert_eq!(
            held.get(id),
            fresh.get(id),
            "{what} {id}: held, and in a fresh snapshot"
        );
    }
}

/// Every op that was answered is in the logs as often as it said, and nothing else is.
pub fn ledger(ledgers: &[&[Asked]], logs: &BTreeMap<String, Vec<Value>>) {
    let mut left: HashMap<&str, Vec<&Value>> = HashMap::new();
    for event in logs.values().flatten() {
        if let Some(op_id) = event["op_id"].as_str() {
            left.entry(op_id).or_default().push(event);
        }
    }
    for asked in ledgers.iter().flat_map(|ledger| ledger.iter()) {
        let answer = asked.answer.as_ref().expect("an answer");
        let parts = asked.data["ops"].as_array();
        let (Some(op_id), parts) = (&asked.op_id, parts) else {
            for (part, result) in parts.expect("a batch").iter().zip(results(answer)) {
                let events = left.remove(text(&part["op_id"])).unwrap_or_default();
                one(text(&part["type"]), &part["data"], &result, &events, logs);
            }
            continue;
        };
        let events = left.remove(op_id.as_str()).unwrap_or_default();
        match parts {
            Some(parts) if answer["type"] == "ok" => together(parts, &results(answer), &events),
            Some(_) => assert!(events.is_empty(), "a refused batch left {events:?}"),
            None => one(asked.name, &asked.data, answer, &events, logs),
        }
    }
    assert!(left.is_empty(), "nobody asked for {left:?}");
    for log in logs.values() {
        purged(log);
    }
}

fn results(answer: &Value) -> Vec<Value> {
    answer["data"]["results"].as_array().cloned().unwrap_or_default()
}

fn changed(answer: &Value) -> bool {
    answer["at"].as_object().is_some_and(|at| !at.is_empty())
}

fn one(name: &str, data: &Value, answer: &Value, events: &[&Value], logs: &BTreeMap<String, Vec<Value>>) {
    if !changed(answer) {
        assert!(events.is_empty(), "{name} {data} → {answer} left {events:?}");
        return;
    }
    for (stream, seq) in answer["at"].as_object().expect("positions") {
        let entry = logs
            .get(stream)
            .and_then(|log| log.get(seq.as_u64()? as usize - 1));
        let entry = entry.unwrap_or_else(|| panic!("{stream} {seq} is not there"));
        assert!(
            events.contains(&entry),
            "{name} says {stream} {seq}, which is {entry}"
        );
    }
    let permanent = data["permanent"] == true;
    let primary = events
        .iter()
        .filter(|event| is_primary(name, permanent, event))
        .count();
    if name != "notification.delete_many" {
        assert_eq!(primary, 1, "{name} {data} → {answer}: {events:?}");
    }
}

/// The parts of a batch share an op_id: their events are counted together.
fn together(parts: &[Value], results: &[Value], events: &[&Value]) {
    let name = |part: &Value| text(&part["type"]).to_owned();
    let takes_along = |part: &Value| {
        part["data"]["permanent"] == true
            || ["member.remove", "notification.delete_many"].contains(&&*name(part))
    };
    let done = parts
        .iter()
        .zip(results)
        .filter(|(part, result)| changed(result) && !takes_along(part));
    let expected = done.count();
    let primary = events
        .iter()
        .filter(|event| {
            parts
                .iter()
                .any(|part| !takes_along(part) && is_primary(&name(part), false, event))
        })
        .count();
    assert!(primary >= expected, "{parts:?} → {results:?}: {events:?}");
    if !parts.iter().any(takes_along) {
        assert_eq!(primary, expected, "{parts:?} → {results:?}: {events:?}");
    }
}

/// What was purged is forgotten: no earlier entry shows it.
fn purged(log: &[Value]) {
    for (i, event) in log.iter().enumerate() {
        if event["event"] == "task.purged" {
            for earlier in log[..i].iter().filter(|e| e["data"]["id"] == event["data"]["id"]) {
                let gone = earlier["data"]["purged"] == true || earlier["event"] == "task.purged";
                assert!(gone, "{event} did not make forget {earlier}");
            }
        }
    }
}
