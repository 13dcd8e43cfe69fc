//! One user who reads more than others: searches over many tasks, and long answers that nobody takes.

use super::{Ask, Attack, Force, Line, MUCH, Victim, attacker, server, sign_up};
use crate::on_both_databases;
use crate::support::copies::copy;
use crate::support::raw::Raw;
use crate::support::{Engine, PATIENCE, http, text};
use reqwest::Method;
use serde_json::{Value, json};
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::timeout;

on_both_databases!(
    searches_over_many_tasks_delay_nobody,
    large_bodies_whose_answers_nobody_reads_delay_nobody,
);

async fn searches_over_many_tasks_delay_nobody(engine: Engine) {
    const TASKS: usize = if cfg!(debug_assertions) { 4_000 } else { 20_000 };
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(5), "hog").await;
    let mut line = Line::open(&server, attacker(5), &tokens).await;
    line.ok("task.create", r#"{"title":"one of many everywhere"}"#)
        .await;
    copy(&server, engine, "one of many everywhere", TASKS, &[]).await;
    let ask = Ask {
        requests: vec![("task.search", json!({ "q": "everyw" }).to_string())],
        answer: "\"type\":\"ok\"",
    };
    let force = Force {
        sockets: 8,
        under_way: 4,
    };
    let mut attack = Attack::begin(&server, attacker(5), &tokens, force, ask).await;
    victim.endures(&server, &mut attack).await;
}

/// Where somebody is who sends a large body too.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);
/// As many requests as could hold all places for large bodies.
const SLOW: usize = 16;
/// How long an answer waits for its reader before the next request.
const HELD: Duration = Duration::from_millis(500);

async fn large_bodies_whose_answers_nobody_reads_delay_nobody(engine: Engine) {
    let server = server(engine, &MUCH).await;
    let mut victim = Victim::at_rest(&server).await;
    let tokens = sign_up(&server, attacker(6), "hog").await;
    let frame = |id: usize| json!({ "type": "protocol.describe", "id": id, "data": {} });
    let frames: Value = (0..40).map(frame).collect();
    let body = large(&frames);
    let head = format!(
        "POST /v1/rpc HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        server.address,
        text(&tokens["access_token"]),
        body.len()
    );
    let request: Arc<[u8]> = [head.as_bytes(), body.as_bytes()].concat().into();
    let address = server.address;
    let slow = |_, answered: Arc<AtomicU64>| {
        let request = Arc::clone(&request);
        async move {
            loop {
                let raw = Raw::try_dial(address, attacker(6).octets()).await;
                let mut raw = raw.expect("a connection");
                // refused ones are closed, and come again
                if raw.try_send(&request).await.is_ok() && raw.is_answered("HTTP/1.1 200 ").await {
                    answered.fetch_add(1, Relaxed);
                    tokio::time::sleep(HELD).await;
                }
            }
        }
    };
    let other = sign_up(&server, OTHER, "other").await;
    let mut attack = Attack::of(0..SLOW, slow).await;
    victim.endures(&server, &mut attack).await;
    let request = http::request_from(&server, OTHER.into(), Method::POST, "/v1/rpc");
    let request = request.bearer_auth(text(&other["access_token"]));
    let request = request.header("content-type", "application/json");
    let ping = json!([{ "type": "ping", "id": 1, "data": {} }]);
    let answer = timeout(PATIENCE, request.body(large(&ping)).send()).await;
    let answer = answer.expect("in time").expect("an answer");
    assert_eq!(answer.status(), 200, "another's large body");
    attack.goes_on();
}

/// More than a body may have without a place of its own.
fn large(frames: &Value) -> String {
    format!("{frames}{}", " ".repeat(1 << 20))
}
