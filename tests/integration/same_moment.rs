//! What people do to the same things at the same moment, on one server and on two instances: each wish that is acknowledged
//! holds in the order of the log, and a rule that spans two people is not broken between them.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, new_id, text};
use serde_json::{Value, json};
use std::collections::HashSet;

on_both_databases!(
    moves_at_once_keep_what_each_person_wished,
    one_of_two_owners_who_leave_at_once_stays,
    a_repeating_task_that_several_complete_at_once_has_one_next,
);

/// The longest place that a few hundred moves may make.
const LONG: usize = 40;

/// Puts a task of a list beside another one, as `task.move` does.
fn put(list: &mut Vec<usize>, task: usize, side: &str, anchor: usize) {
    list.retain(|other| *other != task);
    let at = list
        .iter()
        .position(|other| *other == anchor)
        .expect("the anchor");
    list.insert(if side == "after" { at + 1 } else { at }, task);
}

async fn moves_at_once_keep_what_each_person_wished(engine: Engine) {
    const TASKS: usize = 16;
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let (workspace, stream) = (ada.personal(), format!("workspace:{}", ada.personal()));
    let ids: Vec<Value> = (0..TASKS).map(|_| json!(new_id())).collect();
    for (title, id) in ids.iter().enumerate() {
        ada.ok("task.create", json!({ "id": id, "title": title.to_string() }))
            .await;
    }
    let mut sockets = Vec::new();
    for at in 0..TASKS {
        sockets.push(ada.another(&servers[at % servers.len()]).await);
    }
    let mut list: Vec<usize> = (0..TASKS).collect();
    for round in 0..12 {
        // everybody moves another task, most of them into the same few gaps
        let wishes: Vec<(usize, &str, usize)> = (0..TASKS)
            .map(|task| {
                let side = if (task + round) % 2 == 0 {
                    "after"
                } else {
                    "before"
                };
                let anchor = if task % 4 == 3 {
                    (task * 7 + round + 1) % TASKS
                } else {
                    round
                };
                (
                    task,
                    side,
                    if anchor == task {
                        (task + 1) % TASKS
                    } else {
                        anchor
                    },
                )
            })
            .collect();
        let mut asked = Vec::new();
        for (socket, (task, side, anchor)) in sockets.iter_mut().zip(&wishes) {
            let wish = json!({ "id": ids[*task], *side: ids[*anchor] });
            asked.push(socket.ask("task.move", wish).await);
        }
        let mut order = Vec::new();
        for ((socket, id), wish) in sockets.iter_mut().zip(asked).zip(&wishes) {
            let answer = socket.answer(id).await;
            assert_eq!(answer["type"], "ok", "{answer}");
            // who wishes what is so already changes nothing
            if let Some(seq) = answer["at"][&stream].as_u64() {
                order.push((seq, *wish));
            }
        }
        order.sort_unstable();
        for (_, (task, side, anchor)) in order {
            put(&mut list, task, side, anchor);
        }
        let page = json!({ "workspace_id": workspace, "sort": "position", "limit": 100 });
        let page = ada.ok("task.list", page).await;
        let tasks = page["items"].as_array().expect("items");
        let found: Vec<usize> = tasks
            .iter()
            .map(|task| text(&task["title"]).parse().expect("a number"))
            .collect();
        assert_eq!(found, list, "round {round}");
        let places: HashSet<&str> = tasks.iter().map(|task| text(&task["position"])).collect();
        assert_eq!(places.len(), TASKS, "two tasks have one place");
        assert!(
            places.iter().all(|place| place.len() <= LONG),
            "too long: {places:?}"
        );
    }
}

async fn one_of_two_owners_who_leave_at_once_stays(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut bob = Client::sign_up(&servers[servers.len() - 1], "bob").await;
    for round in 0..12 {
        let made = ada.ok("workspace.create", json!({ "name": "W" })).await;
        let id = &made["id"];
        let add = json!({ "workspace_id": id, "username": "bob", "role": "owner" });
        ada.ok("member.add", add).await;
        let leave = json!({ "workspace_id": id });
        let step_down =
            |who: &Client| json!({ "workspace_id": id, "user_id": who.user_id(), "role": "viewer" });
        let (of_ada, of_bob) = match round % 3 {
            0 => (("workspace.leave", leave.clone()), ("workspace.leave", leave)),
            1 => (
                ("member.update", step_down(&ada)),
                ("member.update", step_down(&bob)),
            ),
            _ => (("member.update", step_down(&ada)), ("workspace.leave", leave)),
        };
        let of_ada = ada.ask(of_ada.0, of_ada.1).await;
        let of_bob = bob.ask(of_bob.0, of_bob.1).await;
        let answers = [ada.answer(of_ada).await, bob.answer(of_bob).await];
        let done = answers.iter().filter(|answer| answer["type"] == "ok").count();
        assert_eq!(done, 1, "round {round}: {answers:?}");
        let refused = answers.iter().find(|answer| answer["type"] != "ok").expect("one");
        assert_eq!(refused["error"]["code"], "CONFLICT", "round {round}: {refused}");
    }
}

async fn a_repeating_task_that_several_complete_at_once_has_one_next(engine: Engine) {
    let servers = Server::start_each(engine).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let mut sockets = Vec::new();
    for at in 0..6 {
        sockets.push(ada.another(&servers[at % servers.len()]).await);
    }
    let ways = [
        ("task.complete", json!({ "completed": true })),
        ("task.update", json!({ "completed": true })),
        ("task.move", json!({ "stage": "done" })),
    ];
    for round in 0..8 {
        let title = format!("Water {round}");
        let task = json!({ "title": title, "due_at": "2027-03-01T10:00:00Z", "recurrence": "FREQ=DAILY" });
        let id = ada.ok("task.create", task).await["id"].clone();
        let mut asked = Vec::new();
        for (at, socket) in sockets.iter_mut().enumerate() {
            let (name, mut data) = ways[(at + round) % ways.len()].clone();
            data["id"] = id.clone();
            asked.push(socket.ask(name, data).await);
        }
        for (socket, asked) in sockets.iter_mut().zip(asked) {
            let answer = socket.answer(asked).await;
            assert_eq!(answer["type"], "ok", "{answer}");
        }
        let page = ada
            .ok("task.list", json!({ "status": "pending", "limit": 100 }))
            .await;
        let tasks = page["items"].as_array().expect("items").iter();
        let next: Vec<&Value> = tasks
            .filter(|task| task["title"] == title)
            .map(|task| &task["due_at"])
            .collect();
        assert_eq!(next, ["2027-03-02T10:00:00.000Z"], "round {round}");
    }
}
