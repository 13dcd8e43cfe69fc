//! What readers of events may take: of memory, of places, of patience.

use crate::support::events::{EventReader, ask};
use crate::support::follower::text;
use crate::support::{Client, Engine, PATIENCE, Raw, Server, eventually, http, raw};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// Readers that read nothing.
const DEAF: usize = 40;
/// Bytes that each of them would have queued without a bound.
const WRITTEN: usize = 4 * 1024 * 1024;

/// A request for a stream, as bytes; `version` is that of HTTP.
fn request(server: &Server, tokens: &Value, version: &str) -> String {
    format!(
        "GET /v1/events HTTP/{version}\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\r\n",
        server.address,
        text(&tokens["access_token"])
    )
}

/// A stream whose reader has read only the head of the answer, and has a small buffer.
async fn deaf(server: &Server, tokens: &Value) -> Raw {
    let mut reader = Raw::dial(server).await;
    reader.send(request(server, tokens, "1.1").as_bytes()).await;
    let head = reader.head().await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    reader
}

/// Makes tasks of many bytes until there are so many bytes.
async fn write(client: &mut Client, bytes: usize) -> usize {
    let task = json!({ "title": "x".repeat(200), "description": "y".repeat(1000) });
    let count = bytes / 1500;
    for _ in 0..count / 50 {
        let op = json!({ "type": "task.create", "data": task });
        client.ok("batch", json!({ "ops": vec![op; 50] })).await;
        client.forget_events();
    }
    count / 50 * 50
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_read_nothing_take_little_memory_and_end() {
    let server = Server::start(Engine::Sqlite, &[("heartbeat_seconds", "2")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut writer = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
    write(&mut writer, WRITTEN / 4).await;
    let before = server.memory("VmRSS");
    let mut all = Vec::new();
    for _ in 0..DEAF {
        all.push(deaf(&server, &tokens).await);
    }
    write(&mut writer, WRITTEN).await;
    let grew = server.memory("VmHWM").saturating_sub(before);
    let bound = (DEAF * 512 * 1024 + 48 * 1024 * 1024) as u64;
    assert!(
        grew < bound,
        "{grew} bytes, of {} that were written",
        DEAF * WRITTEN
    );
    drop(writer);
    // a reader that takes nothing is closed
    raw::counted(&server, 4408).await;
    eventually("the end of all of them", async || {
        let metrics = http::get(&server, "/metrics").await.text().await.expect("text");
        metrics.contains("taskwire_sockets 0\n").then_some(())
    })
    .await;
    drop(all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_reads_slowly_gets_everything_in_order() {
    let server = Server::start(Engine::Sqlite, &[("heartbeat_seconds", "1")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut writer = Client::with_tokens(&server, &tokens, json!({ "streams": [] })).await;
    let mut slow = deaf(&server, &tokens).await;
    let tasks = write(&mut writer, WRITTEN / 4).await;
    drop(writer);
    // longer than a peer may take nothing
    let mut read = slow.sip(8 * 1024, Duration::from_secs(12), |_| false).await;
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    let answer = ada.call("task.create", json!({ "title": "The last one" })).await;
    let name = format!("workspace:{}", ada.personal());
    let stream = format!("\"stream\":\"{name}\",\"seq\":");
    let last = format!("{stream}{},", answer["at"][&name]);
    let is_last = |bytes: &[u8]| bytes == last.as_bytes();
    slow.drink(&mut read, |all| all.windows(last.len()).any(is_last))
        .await;
    let all = String::from_utf8_lossy(&read);
    let seqs = all.split(&stream).skip(1).map(|rest| rest.split(',').next());
    let seqs: Vec<u64> = seqs
        .map(|seq| seq.and_then(|seq| seq.parse().ok()).expect("a seq"))
        .collect();
    assert!(seqs.windows(2).all(|two| two[0] + 1 == two[1]), "{seqs:?}");
    assert!(seqs.len() >= tasks, "{} of {tasks}", seqs.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_sends_after_the_request_is_ignored() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut reader = Raw::dial(&server).await;
    let both = request(&server, &ada.tokens, "1.1") + "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
    reader.send(both.as_bytes()).await;
    reader.head().await;
    reader.send(&[0x88; 4096]).await;
    ada.ok("task.create", json!({ "title": "Still here" })).await;
    let mut read = Vec::new();
    reader
        .drink(&mut read, |all| {
            all.windows(10).any(|bytes| bytes == b"Still here")
        })
        .await;
    assert!(!read.windows(8).any(|bytes| bytes == b"HTTP/1.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_1_0_has_no_chunks_and_head_has_no_body() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut old = Raw::dial(&server).await;
    old.send(request(&server, &tokens, "1.0").as_bytes()).await;
    let head = old.head().await;
    assert!(head.contains(" 200 ") && !head.contains("chunked"), "{head}");
    let mut first = [0; 4];
    let read = timeout(PATIENCE, old.0.read_exact(&mut first)).await;
    read.expect("in time").expect("a message");
    assert_eq!(&first, b"id: ");
    let asked = http::request(&server, Method::HEAD, "/v1/events");
    let answer = asked.bearer_auth(text(&tokens["access_token"])).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.text().await.expect("nothing"), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_and_a_node_have_as_many_streams_as_sockets() {
    let limits = [("rate_limit_enabled", "true"), ("sockets_per_user", "3")];
    let server = Server::start(Engine::Sqlite, &limits).await;
    let ada = Client::sign_up(&server, "ada").await;
    let token = text(&ada.tokens["access_token"]);
    let first = EventReader::open(&server, &ada.tokens).await;
    let _second = EventReader::open(&server, &ada.tokens).await;
    let refused = ask(&server, &token, "", None).await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "10");
    let error = refused.json().await.expect("JSON")["error"].clone();
    assert_eq!(error["code"], "RATE_LIMITED", "{error}");
    assert_eq!(error["context"]["setting"], "sockets_per_user");
    drop(first);
    eventually("a place", async || {
        (ask(&server, &token, "", None).await.status() == 200).then_some(())
    })
    .await;

    let full = Server::start(Engine::Sqlite, &[("max_sockets", "2")]).await;
    let ada = Client::sign_up(&full, "ada").await;
    let _only = EventReader::open(&full, &ada.tokens).await;
    let refused = ask(&full, &text(&ada.tokens["access_token"]), "", None).await;
    assert_eq!(refused.status(), 503);
    let error = refused.json().await.expect("JSON")["error"].clone();
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&json!("UNAVAILABLE"), &json!(true))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_names_too_much_is_refused() {
    let server = Server::start(Engine::Sqlite, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let token = text(&ada.tokens["access_token"]);
    let names = format!("?streams={}", "x,".repeat(3000));
    let answer = ask(&server, &token, &names, None).await;
    assert_eq!(answer.status(), 422);
    assert_eq!(answer.json().await.expect("JSON")["error"]["field"], "streams");
    let names = format!("?streams={}", "x,".repeat(20_000));
    assert!(
        ask(&server, &token, &names, None)
            .await
            .status()
            .is_client_error()
    );
    // a token in the query is none
    let asked = http::get(&server, &format!("/v1/events?token={token}&access_token={token}")).await;
    assert_eq!(asked.status(), 401);
}
