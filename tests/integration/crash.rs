//! kill -9 in the middle of writes, fifty times. Acknowledged requests are in the log once; the others wholly or not at
//! all; logs, rows, counters and op_ids agree.

use crate::on_both_databases;
use crate::support::{Client, Engine, Server, audit, http, text};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

on_both_databases!(a_killed_server_loses_no_acknowledged_request_and_keeps_no_half_of_one);

/// The number of kills.
const ROUNDS: usize = 50;
/// The requests of one writer in one round, by the number of tasks that each creates.
const SIZES: [usize; 8] = [1, 1, 2, 1, 10, 1, 50, 3];

/// A request that a writer sent before the server was killed.
struct Sent {
    op_id: String,
    frame: Value,
    titles: Vec<String>,
    answer: Option<Value>,
}

async fn a_killed_server_loses_no_acknowledged_request_and_keeps_no_half_of_one(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let tokens = join_all(["ada", "bob"].map(|name| http::sign_up(&server, name))).await;
    let mut ada = Client::with_tokens(&server, &tokens[0], json!({})).await;
    let shared = ada.ok("workspace.create", json!({ "name": "shared" })).await;
    let shared = text(&shared["id"]);
    let bob = json!({ "workspace_id": shared, "username": "bob", "role": "member" });
    ada.ok("member.add", bob).await;
    let stream = format!("workspace:{shared}");
    let mut all: Vec<Sent> = Vec::new();
    for round in 0..ROUNDS {
        let connecting = tokens
            .iter()
            .map(|tokens| Client::with_tokens(&server, tokens, json!({})));
        let mut writers = join_all(connecting).await;
        let mut watcher = Client::with_tokens(&server, &tokens[0], json!({})).await;
        let mut sent: Vec<Sent> = Vec::new();
        for (n, writer) in writers.iter_mut().enumerate() {
            for (i, size) in SIZES.iter().enumerate() {
                let request = request(shared, &format!("{round}.{n}.{i}"), *size, i);
                writer.send(&request.frame).await;
                sent.push(request);
            }
        }
        // each round kills later: from before the first commit to after the last one
        for _ in 0..round * 3 {
            if tokio::time::timeout(Duration::from_millis(500), watcher.next_of(&stream))
                .await
                .is_err()
            {
                break;
            }
        }
        server.kill();
        for mut writer in writers {
            let (frames, _) = writer.until_closed().await;
            for frame in frames.into_iter().filter(|frame| !frame["id"].is_null()) {
                let request = sent.iter_mut().find(|sent| sent.frame["id"] == frame["id"]);
                request.expect("a request").answer = Some(frame);
            }
        }
        server.spawn();
        all.extend(sent);
    }
    let logs = audit::agree(&server, &tokens[0]).await;
    let acknowledged = all.iter().filter(|sent| sent.answer.is_some()).count();
    println!("{acknowledged} of {} were acknowledged", all.len());
    assert!(
        acknowledged > 0 && acknowledged < all.len(),
        "no kill came between the first and the last answer"
    );
    let mut there = entries(&logs[&stream]);
    let mut held = Vec::new();
    for sent in &all {
        held.push(whole_or_not_at_all(sent, there.remove(&sent.op_id)));
    }
    assert!(there.is_empty(), "no client sent the request of {there:?}");
    op_ids_agree(&server, &tokens, &all, &held).await;
    for tokens in &tokens {
        audit::agree(&server, tokens).await;
    }
}

fn request(workspace: &str, name: &str, size: usize, i: usize) -> Sent {
    let titles: Vec<String> = (0..size).map(|n| format!("{name}.{n}")).collect();
    let create = |title: &String| json!({ "workspace_id": workspace, "title": title });
    let op_id = uuid::Uuid::new_v4().to_string();
    let (kind, data) = if size == 1 {
        ("task.create", create(&titles[0]))
    } else {
        let ops: Vec<Value> = titles
            .iter()
            .map(|title| json!({ "type": "task.create", "data": create(title) }))
            .collect();
        ("batch", json!({ "ops": ops, "atomic": i % 3 != 1 }))
    };
    Sent {
        frame: json!({ "type": kind, "id": name, "op_id": op_id, "data": data }),
        op_id,
        titles,
        answer: None,
    }
}

/// A log's entries by op_id.
fn entries(log: &[Value]) -> HashMap<String, Vec<&Value>> {
    let mut entries: HashMap<String, Vec<&Value>> = HashMap::new();
    for event in log {
        if let Some(op_id) = event["op_id"].as_str() {
            entries.entry(op_id.to_owned()).or_default().push(event);
        }
    }
    entries
}

/// Asserts that the log has all of a request or nothing. Returns whether it has it.
fn whole_or_not_at_all(sent: &Sent, entries: Option<Vec<&Value>>) -> bool {
    let entries = entries.unwrap_or_default();
    if entries.is_empty() {
        assert!(
            sent.answer.is_none(),
            "acknowledged, but not in the log: {:?}",
            sent.answer
        );
        return false;
    }
    let titles: Vec<&str> = entries
        .iter()
        .map(|event| text(&event["data"]["title"]))
        .collect();
    assert_eq!(titles, sent.titles, "incomplete, twice, or in another order");
    if let Some(answer) = &sent.answer {
        assert_eq!(answer["type"], "ok", "{answer}");
        let last = entries.last().expect("an entry");
        let at = match answer["data"]["results"].as_array() {
            Some(results) => &results.last().expect("a result")["at"],
            None => &answer["at"],
        };
        assert_eq!(at[text(&last["stream"])], last["seq"], "{answer}");
    }
    true
}

/// Sends everything again. Operations in the log must be answered as repeats; the others are carried out now.
async fn op_ids_agree(server: &Server, tokens: &[Value], all: &[Sent], held: &[bool]) {
    let mut clients = Vec::new();
    for tokens in tokens {
        let more = json!({ "streams": [] });
        clients.push(Client::with_tokens(server, tokens, more).await);
    }
    let writer = |n: usize| n / SIZES.len() % tokens.len();
    for (n, (sent, held)) in all.iter().zip(held).enumerate() {
        if n.is_multiple_of(SIZES.len()) {
            for sent in &all[n..n + SIZES.len()] {
                clients[writer(n)].send(&sent.frame).await;
            }
        }
        let answer = clients[writer(n)].answer(sent.frame["id"].clone()).await;
        assert_eq!(answer["type"], "ok", "{answer}");
        assert_eq!(answer["replayed"] == true, *held, "{answer}");
        if let Some(before) = &sent.answer {
            assert_eq!((&answer["data"], &answer["at"]), (&before["data"], &before["at"]));
        }
    }
}
