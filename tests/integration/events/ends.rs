//! Why a stream of events ends, and what its reader is told.

use crate::on_both_databases;
use crate::support::events::{EventReader, ask};
use crate::support::follower::text;
use crate::support::{Client, Engine, PASSWORD, Server, eventually, http, tokens};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

on_both_databases!(
    it_ends_with_its_token_and_continues_with_another,
    whatever_ends_a_session_ends_its_streams_at_once,
    a_node_that_stops_says_goodbye,
);

/// Within this time the end of a session closes what it has open.
const AT_ONCE: Duration = Duration::from_secs(1);
const OPERATOR: [(&str, &str); 2] = [("admin_email", "op@example.com"), ("admin_password", PASSWORD)];

async fn it_ends_with_its_token_and_continues_with_another(engine: Engine) {
    let server = Server::start(engine, &[("jwt_secret", tokens::SECRET)]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut short = ada.tokens.clone();
    short["access_token"] = tokens::lasting(&ada.tokens["access_token"], 4);
    let mut reader = EventReader::open(&server, &short).await;
    let (names, code) = reader.closed().await;
    // without the grace of a socket, which can renew its token
    assert_eq!((names, code), (vec!["session.expiring".to_owned()], 4401));
    ada.ok("task.create", json!({ "title": "Meanwhile" })).await;
    let answer = ask(&server, &text(&short["access_token"]), "", Some(&reader.last)).await;
    assert_eq!(answer.status(), 401);
    let error = answer.json().await.expect("JSON");
    assert_eq!(error["error"]["code"], "TOKEN_EXPIRED", "{error}");
    let mut reader = EventReader::after(&server, &ada.tokens, &reader.last).await;
    assert!(reader.is_resumed());
    reader.until_task("Meanwhile").await;
}

async fn log_in(server: &Server, name: &str) -> Value {
    let email = format!("{name}@example.com");
    let body = json!({ "email": email, "password": PASSWORD, "token_delivery": "body" });
    http::post(server, "/v1/auth/login", &body)
        .await
        .json()
        .await
        .expect("tokens")
}

/// Waits for the close, which comes at once.
async fn revoked(reader: &mut EventReader, why: &str) {
    let begun = Instant::now();
    let (_, code) = reader.closed().await;
    assert_eq!(code, 4403, "{why}");
    assert!(begun.elapsed() < AT_ONCE, "{why}: {:?}", begun.elapsed());
}

async fn whatever_ends_a_session_ends_its_streams_at_once(engine: Engine) {
    let server = Server::start(engine, &OPERATOR).await;
    let mut operator = Client::log_in(&server, "op").await;
    let mut ada = Client::sign_up(&server, "ada").await;

    let other = log_in(&server, "ada").await;
    let mut reader = EventReader::open(&server, &other).await;
    let mut stays = EventReader::open(&server, &ada.tokens).await;
    let page = operator
        .ok("admin.connections", json!({ "user_id": ada.user_id() }))
        .await;
    assert_eq!(page["total"], 3, "a socket and two streams: {page}");
    let out = http::request(&server, Method::POST, "/v1/auth/logout");
    let out = out.bearer_auth(text(&other["access_token"])).send().await;
    assert_eq!(out.expect("an answer").status(), 200);
    revoked(&mut reader, "signed out").await;

    let asked = json!({ "name": "bot", "scope": "read", "workspace_ids": [ada.personal()] });
    let made = ada.ok("api_token.create", asked).await;
    let bot = json!({ "access_token": made["token"] });
    let mut reader = EventReader::open(&server, &bot).await;
    let streams = reader.welcome["data"]["streams"].clone();
    assert_eq!(
        streams.as_array().map(Vec::len),
        Some(1),
        "not the user's: {streams}"
    );
    ada.ok("task.create", json!({ "title": "For the bot" })).await;
    reader.until_task("For the bot").await;
    ada.ok("api_token.revoke", json!({ "id": made["id"] })).await;
    revoked(&mut reader, "a token that was revoked").await;

    stays.until_task("For the bot").await;
    operator
        .ok("admin.kick", json!({ "user_id": ada.user_id() }))
        .await;
    revoked(&mut stays, "kicked").await;
    let mut reader = EventReader::open(&server, &ada.tokens).await;
    let off = json!({ "id": ada.user_id(), "is_active": false });
    operator.ok("admin.user.update", off).await;
    revoked(&mut reader, "deactivated").await;
    let answer = ask(&server, &text(&ada.tokens["access_token"]), "", None).await;
    assert!([401, 403].contains(&answer.status().as_u16()));
}

async fn a_node_that_stops_says_goodbye(engine: Engine) {
    let mut server = Server::start(engine, &[]).await;
    let ada = Client::sign_up(&server, "ada").await;
    let tokens = ada.tokens.clone();
    drop(ada);
    let mut reader = EventReader::open(&server, &tokens).await;
    server.ask_to_stop();
    let (names, code) = reader.closed().await;
    assert!(names.contains(&"server.goodbye".to_owned()), "{names:?}");
    assert_eq!(code, 1012);
    assert_eq!(server.ended().await, Some(0));
    server.spawn();
    let reader = EventReader::after(&server, &tokens, &reader.last).await;
    assert!(reader.is_resumed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whose_client_left_is_gone_at_once() {
    let server = Server::start(Engine::Sqlite, &OPERATOR).await;
    let mut operator = Client::log_in(&server, "op").await;
    let tokens = http::sign_up(&server, "ada").await;
    // nothing is sent to them meanwhile, which would show that they are gone
    for _ in 0..60 {
        drop(EventReader::open(&server, &tokens).await);
    }
    eventually("only the operator's socket", async || {
        let page = operator.ok("admin.connections", json!({})).await;
        (page["total"] == 1).then_some(())
    })
    .await;
    let metrics = http::get(&server, "/metrics").await.text().await.expect("text");
    assert!(metrics.contains("taskwire_sockets 1\n"), "{metrics}");
}
