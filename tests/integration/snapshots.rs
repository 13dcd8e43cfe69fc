//! `GET /v1/workspaces/{id}/snapshot`: its lines are the state that the stream's events lead to, compressed as the client
//! allows, and never look whole when they are not.

use crate::on_both_databases;
use crate::support::fold::WorkspaceState;
use crate::support::http::{Response, request};
use crate::support::{Client, Engine, PATIENCE, Raw, Server, text};
use futures_util::future::join_all;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::Read as _;

on_both_databases!(
    the_lines_are_the_state_that_sync_tells,
    a_snapshot_and_the_events_after_it_are_the_state,
    every_compression_has_the_same_lines,
    ten_thousand_tasks_take_at_most_800_kilobytes,
    who_is_removed_meanwhile_gets_no_whole_snapshot
);

const PRIORITIES: [&str; 3] = ["none", "low", "high"];
/// Titles and descriptions are made of these.
const WORDS: [&str; 24] = [
    "review", "the", "plan", "for", "spring", "call", "supplier", "about", "new", "prices", "write",
    "report", "on", "garden", "fix", "broken", "door", "before", "friday", "send", "invoice", "to",
    "customer", "again",
];

async fn ask(client: &Client, server: &Server, workspace: &str, query: &str) -> Response {
    let path = format!("/v1/workspaces/{workspace}/snapshot{query}");
    let asked = request(server, Method::GET, &path).bearer_auth(text(&client.tokens["access_token"]));
    asked.send().await.expect("an answer")
}

fn lines(body: &str) -> Vec<Value> {
    body.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

/// A snapshot in the form of the pages of `workspace.sync`.
fn as_page(lines: &[Value]) -> Value {
    let mut page = lines[0].clone();
    page["tasks"] = json!(lines[1..]);
    page
}

async fn snapshot(client: &Client, server: &Server, workspace: &str, query: &str) -> Vec<Value> {
    let answer = ask(client, server, workspace, query).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    lines(&answer.text().await.expect("a whole body"))
}

/// Makes so many tasks, a hundred at once.
async fn fill(client: &mut Client, workspace: &str, number: usize, description: &str) {
    for part in 0..number.div_ceil(100) {
        let made = (0..100.min(number - part * 100)).map(|n| {
            let task = json!({
                "workspace_id": workspace, "title": format!("Task {part} {n}"), "description": description,
            });
            json!({ "type": "task.create", "data": task })
        });
        let made: Vec<Value> = made.collect();
        client.ok("batch", json!({ "ops": made })).await;
        client.forget_events();
    }
}

/// The pages of `workspace.sync`.
async fn sync(client: &mut Client, mut data: Value) -> Vec<Value> {
    let mut pages = Vec::new();
    loop {
        let page = client.ok("workspace.sync", data.clone()).await;
        data["cursor"] = page["cursor"].clone();
        let is_last = page["cursor"].is_null();
        pages.push(page);
        if is_last {
            return pages;
        }
    }
}

async fn the_lines_are_the_state_that_sync_tells(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    fill(&mut ada, &home, 620, "Two litres").await;
    let some = ada.ok("task.list", json!({ "limit": 3 })).await["items"].clone();
    ada.ok("task.complete", json!({ "id": some[0]["id"] })).await;
    ada.ok("task.delete", json!({ "id": some[1]["id"] })).await;
    ada.ok("task.delete", json!({ "id": some[2]["id"], "permanent": true }))
        .await;

    let all = snapshot(&ada, &server, &home, "").await;
    assert_eq!(all.len(), 1 + 619);
    let synced = WorkspaceState::of(&sync(&mut ada, json!({ "workspace_id": home })).await);
    assert_eq!(WorkspaceState::of_first(&as_page(&all)), synced);
    assert!(
        all[1..].is_sorted_by_key(|task| text(&task["id"]).to_owned()),
        "not by id"
    );

    let open = snapshot(&ada, &server, &home, "?open_only=true").await;
    assert_eq!(open.len(), 1 + 617);
    assert!(
        open[1..]
            .iter()
            .all(|task| task["completed"] == false && task["is_deleted"] == false)
    );
    let wanted = json!({ "workspace_id": home, "open_only": true });
    let synced = WorkspaceState::of(&sync(&mut ada, wanted).await);
    assert_eq!(WorkspaceState::of_first(&as_page(&open)), synced);

    let wrong = ask(&ada, &server, &home, "?open_only=yes").await;
    assert_eq!(wrong.status(), 422);
    let wrong: Value = wrong.json().await.expect("an error");
    assert_eq!(wrong["error"]["field"], "open_only", "{wrong}");
    assert_eq!(ask(&ada, &server, "nowhere", "").await.status(), 404);
}

/// Somebody edits while the lines are read: later lines are newer than the opening.
async fn a_snapshot_and_the_events_after_it_are_the_state(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let (mut ada, mut reader) = (
        Client::sign_up(&server, "ada").await,
        Client::log_in(&server, "ada").await,
    );
    let home = ada.personal();
    fill(&mut ada, &home, 900, "").await;
    let items = ada
        .ok("task.list", json!({ "limit": 100, "sort": "created_at" }))
        .await["items"]
        .clone();
    let editing = async {
        for (n, task) in items.as_array().expect("tasks").iter().enumerate() {
            let id = &task["id"];
            match n % 4 {
                0 => ada.ok("task.update", json!({ "id": id, "title": "Newer" })).await,
                1 => ada.ok("task.complete", json!({ "id": id })).await,
                2 => {
                    ada.ok("task.delete", json!({ "id": id, "permanent": n % 8 == 2 }))
                        .await
                }
                _ => ada.ok("task.create", json!({ "title": "New" })).await,
            };
        }
    };
    let stream = format!("workspace:{home}");
    let reading = async {
        let mut read = Vec::new();
        for query in ["", "?open_only=true", "", "?open_only=true"] {
            let lines = snapshot(&reader, &server, &home, query).await;
            let mut watcher = Client::with_tokens(&server, &reader.tokens, json!({ "streams": [] })).await;
            let since = json!({ "stream": stream, "since": lines[0]["seq"] });
            let told = watcher.ok("stream.subscribe", since).await;
            assert_eq!(told["resumed"], true, "{told}");
            read.push((query, lines, watcher));
        }
        read
    };
    let ((), read) = tokio::join!(editing, reading);
    let now = WorkspaceState::of(&sync(&mut reader, json!({ "workspace_id": home })).await);
    for (query, lines, mut watcher) in read {
        let mut state = WorkspaceState::of_first(&as_page(&lines));
        while state.seq < now.seq {
            state.apply(&watcher.next_of(&stream).await);
        }
        if query.is_empty() {
            assert_eq!(state, now);
            continue;
        }
        let is_open = |task: &&Value| task["completed"] == false && task["is_deleted"] == false;
        let open = |state: &WorkspaceState| state.tasks.values().filter(is_open).cloned().collect::<Vec<_>>();
        assert_eq!(open(&state), open(&now));
    }
}

async fn every_compression_has_the_same_lines(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    fill(&mut ada, &home, 300, "").await;
    let plain = ask(&ada, &server, &home, "").await;
    assert!(!plain.headers().contains_key("content-encoding"));
    let plain = plain.bytes().await.expect("a body");
    for name in ["gzip", "br", "zstd"] {
        let path = format!("/v1/workspaces/{home}/snapshot");
        let asked = request(&server, Method::GET, &path).header("accept-encoding", name);
        let asked = asked.bearer_auth(text(&ada.tokens["access_token"]));
        let answer = asked.send().await.expect("an answer");
        assert_eq!(answer.headers()["content-encoding"], name);
        let mut vary = answer.headers().get_all("vary").iter();
        assert!(vary.any(|line| line == "accept-encoding"));
        let body = answer.bytes().await.expect("a body");
        let mut text = Vec::new();
        let read = match name {
            "gzip" => flate2::read::GzDecoder::new(&*body).read_to_end(&mut text),
            "br" => brotli::Decompressor::new(&*body, 4096).read_to_end(&mut text),
            _ => zstd::Decoder::new(&*body)
                .expect("a decoder")
                .read_to_end(&mut text),
        };
        read.expect("a whole body");
        assert_eq!(text, plain, "{name}");
        assert!(
            body.len() * 5 < plain.len(),
            "{name}: {} of {} bytes",
            body.len(),
            plain.len()
        );
    }
}

async fn who_is_removed_meanwhile_gets_no_whole_snapshot(engine: Engine) {
    let server = Server::start(engine, &[("frame_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let bob = Client::sign_up(&server, "bob").await;
    let team = ada.ok("workspace.create", json!({ "name": "Team" })).await;
    let team = text(&team["id"]).to_owned();
    let place = json!({ "workspace_id": team, "username": "bob", "role": "viewer" });
    ada.ok("member.add", place).await;
    // more than the buffers of the connection hold
    fill(&mut ada, &team, 9000, &"o".repeat(1000)).await;
    let mut slow = Raw::dial(&server).await;
    let asked = format!(
        "GET /v1/workspaces/{team}/snapshot HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        server.address,
        text(&bob.tokens["access_token"])
    );
    slow.send(asked.as_bytes()).await;
    let head = slow.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let place = json!({ "workspace_id": team, "user_id": bob.user_id() });
    ada.ok("member.remove", place).await;
    let mut bytes = Vec::new();
    let reading = tokio::io::AsyncReadExt::read_to_end(&mut slow.0, &mut bytes);
    let _reset_or_end = tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("an end in time");
    assert!(!bytes.ends_with(b"\r\n0\r\n\r\n"), "the answer looks whole");
    assert_eq!(ask(&bob, &server, &team, "").await.status(), 404);
}

/// What a board loads when it is opened for the first time.
async fn ten_thousand_tasks_take_at_most_800_kilobytes(engine: Engine) {
    let server = Server::start(engine, &[("frame_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let (home, me) = (ada.personal(), ada.user_id());
    let mut random = SmallRng::seed_from_u64(5);
    let mut some = |words: usize| {
        let word = |_| WORDS[random.random_range(0..WORDS.len())];
        (0..words).map(word).collect::<Vec<_>>().join(" ")
    };
    for part in 0..100 {
        let made = (0..100).map(|n| {
            let mut task = json!({ "title": some(3 + n % 3), "priority": PRIORITIES[n % 3] });
            if n % 3 == 0 {
                task["description"] = json!(some(12));
                task["due_at"] = json!(format!("2027-0{}-1{}T09:00:00.000Z", 1 + part % 9, n % 10));
            }
            if n % 4 == 0 {
                task["tags"] = json!([some(1)]);
                task["assignee_ids"] = json!([me]);
            }
            json!({ "type": "task.create", "data": task })
        });
        let made: Vec<Value> = made.collect();
        ada.ok("batch", json!({ "ops": made })).await;
        ada.forget_events();
    }
    let path = format!("/v1/workspaces/{home}/snapshot");
    for name in ["gzip", "br", "zstd"] {
        let asked = request(&server, Method::GET, &path).header("accept-encoding", name);
        let asked = asked.bearer_auth(text(&ada.tokens["access_token"]));
        let body = asked
            .send()
            .await
            .expect("an answer")
            .bytes()
            .await
            .expect("a whole body");
        assert!(body.len() <= 800_000, "{name}: {} bytes", body.len());
    }
}

#[tokio::test]
async fn an_account_gets_four_snapshots_at_once() {
    let server = Server::start(Engine::Sqlite, &[("frame_bytes", "1000000")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let home = ada.personal();
    fill(&mut ada, &home, 9000, &"o".repeat(1000)).await;
    let mut four = Vec::new();
    for _ in 0..4 {
        four.push(ask(&ada, &server, &home, "").await);
    }
    let fifth = ask(&ada, &server, &home, "").await;
    assert_eq!(
        (fifth.status().as_u16(), &fifth.headers()["retry-after"]),
        (429, &"1".parse().expect("a value"))
    );
    // all at once: a reader that takes nothing for some seconds counts as dead
    for body in join_all(four.into_iter().map(Response::text)).await {
        assert_eq!(lines(&body.expect("a whole body")).len(), 9001);
    }
    assert_eq!(ask(&ada, &server, &home, "?open_only=true").await.status(), 200);
}
