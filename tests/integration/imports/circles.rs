//! What blocks a task and comes later in the file is added by steps of their own. Whatever others change meanwhile, no task
//! waits for itself.

use super::{import, send};
use crate::on_both_databases;
use crate::support::{Client, Engine, Server, eventually, new_id, text};
use serde_json::{Value, json};

on_both_databases!(later_steps_close_no_circle_with_what_others_change_meanwhile);

/// More rows than one mutation writes.
const ROWS: usize = 10_001;
const PAIRS: usize = 50;
/// As many tasks as may come before one.
const CHAIN: usize = 1000;

fn ids(number: usize) -> Vec<Value> {
    (0..number).map(|_| json!(new_id())).collect()
}

/// Each of the first rows waits for one of the last, which the workspace has. So do a deleted task, and one whose blocker
/// waits for a long chain.
fn file(first: &[Value], last: &[Value], long: &Value) -> String {
    let rows = (0..ROWS).map(|n| {
        let (deleted, chained) = (n == PAIRS, n == PAIRS + 1);
        let place = n.checked_sub(ROWS - PAIRS - 1);
        let id = match (first.get(n), place) {
            (Some(id), _) => text(id).to_owned(),
            (None, Some(0)) => text(long).to_owned(),
            (None, Some(place)) => text(&last[place - 1]).to_owned(),
            (None, None) => n.to_string(),
        };
        let blocker = match (n < PAIRS, deleted, chained) {
            (true, ..) => text(&last[n]),
            (_, true, _) => text(&last[0]),
            (.., true) => text(long),
            _ => "",
        };
        let deleted_at = if deleted { "2026-01-01" } else { "" };
        format!("Task {n},{id},{blocker},{deleted_at}\n")
    });
    format!("title,id,blocked_by,deleted_at\n{}", rows.collect::<String>())
}

async fn blockers(ada: &mut Client, id: &Value) -> Value {
    ada.ok("task.get", json!({ "id": id })).await["blocked_by"].clone()
}

/// A task that waits for more tasks than may come before one. Its id.
async fn long_chain(server: &Server, ada: &mut Client) -> Value {
    let chain = ids(CHAIN);
    let rows = chain.iter().enumerate().map(|(n, id)| {
        let before = n.checked_sub(1).map_or("", |n| text(&chain[n]));
        format!("Link {n},{},{before}\n", text(id))
    });
    let rows = format!("title,id,blocked_by\n{}", rows.collect::<String>());
    import(server, &ada.tokens.clone(), "format=csv", rows).await;
    let more = ids(2);
    for id in &more {
        ada.ok("task.create", json!({ "id": id, "title": "More" })).await;
    }
    ada.ok("task.update", json!({ "id": chain[0], "blocked_by": more }))
        .await;
    chain[CHAIN - 1].clone()
}

async fn later_steps_close_no_circle_with_what_others_change_meanwhile(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    let (first, between, last) = (ids(PAIRS), ids(PAIRS), ids(PAIRS));
    let long = long_chain(&server, &mut ada).await;
    let new = |id: &Value, blocked_by: Value| json!({ "type": "task.create", "data": { "id": id, "title": "T", "blocked_by": blocked_by } });
    let there = between.iter().zip(&last);
    let there: Vec<Value> = there
        .flat_map(|(between, last)| [new(between, json!([])), new(last, json!([between]))])
        .collect();
    ada.ok("batch", json!({ "ops": there })).await;

    let query = format!("format=csv&op_id={}", new_id());
    let sending = send(&server, &tokens, &query, file(&first, &last, &long));
    let meanwhile = async {
        eventually("the first step with tasks is done", async || {
            let found = ada.call("task.get", json!({ "id": first[0] })).await;
            (found["type"] == "ok").then_some(())
        })
        .await;
        // last waits for between, and now that for first: first must not wait for last
        let mut done = 0;
        for (first, between) in first.iter().zip(&between) {
            let data = json!({ "id": between, "blocked_by": [first] });
            let answer = ada.call("task.update", data).await;
            match answer["error"]["field"].as_str() {
                None => done += 1,
                Some(field) => assert_eq!(
                    (field, &answer["error"]["code"]),
                    ("blocked_by", &json!("CONFLICT"))
                ),
            }
        }
        done
    };
    let ((status, answer), done) = futures_util::future::join(sending, meanwhile).await;
    assert_eq!((status, done > 0), (200, true), "{answer}");
    let told = |why: &str| {
        let lost = answer["lost"].as_array().expect("a list").iter();
        lost.filter(|item| text(&item["why"]).contains(why)).count()
    };
    assert_eq!(
        (told("in a circle"), told("too many tasks")),
        (done, 1),
        "{answer}"
    );
    for n in 0..PAIRS {
        let one = blockers(&mut ada, &first[n]).await == json!([last[n]]);
        let other = blockers(&mut ada, &between[n]).await == json!([first[n]]);
        assert!(one != other, "{n}: either the file or the person");
    }
    let deleted = json!({ "status": "deleted", "limit": 2 });
    let deleted = ada.ok("task.list", deleted).await["items"].clone();
    assert_eq!(
        (&deleted[0]["blocked_by"], &deleted[1]),
        (&json!([last[0]]), &Value::Null)
    );
    let again = import(&server, &tokens, &query, file(&first, &last, &long)).await;
    assert_eq!(
        (&again["replayed"], &again["lost"]),
        (&json!(true), &answer["lost"])
    );
}
