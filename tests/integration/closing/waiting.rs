//! Sockets that wait for a slow database or a slow peer: what closes them during the wait, and what does not.

use crate::support::raw;
use crate::support::{Client, Engine, Raw, Server, eventually, http, text};
use reqwest::Method;
use serde_json::json;
use sqlx::Executor;
use std::time::{Duration, Instant};

/// An account that may list the instances. No other part of a request reads the table `instances`, so a lock on it
/// delays only that operation.
const OPERATOR: [(&str, &str); 2] = [
    ("admin_email", "ada@example.com"),
    ("admin_password", crate::support::PASSWORD),
];
const NO_INSTANCES: &str = "begin; lock table instances";

/// A logout waits behind earlier requests, possibly for long, whether it is valid or not.
#[tokio::test]
async fn a_session_that_ends_elsewhere_closes_a_socket_whose_own_logout_waits() {
    let server = Server::start(Engine::Postgres, &OPERATOR).await;
    for logout in [json!({}), json!({ "nonsense": true })] {
        let mut ada = Client::log_in(&server, "ada").await;
        let mut link = server.database.link().await;
        link.execute(NO_INSTANCES).await.expect("a lock");
        ada.ask("admin.instances", json!({})).await;
        ada.ask("auth.logout", logout).await;
        // a ping skips the queue: its answer shows that the server has read the requests before it
        assert_eq!(ada.call("ping", json!({})).await["type"], "pong");
        let token = text(&ada.tokens["access_token"]);
        let out = http::request(&server, Method::POST, "/v1/auth/logout").bearer_auth(token);
        assert_eq!(out.send().await.expect("an answer").status(), 200);
        let begun = Instant::now();
        assert_eq!(ada.until_closed().await.1, Some(4403));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        link.execute("rollback").await.expect("no lock");
    }
}

/// One `auth` is refused at once. The other waits behind answers that the peer does not read.
#[tokio::test]
async fn a_token_that_is_not_checked_does_not_extend_the_deadline() {
    let settings = [("auth_timeout_seconds", "1"), ("socket_queue_bytes", "16384")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    let token = json!({ "token": tokens["access_token"] });
    let describe = raw::frame(0x81, br#"{"type":"protocol.describe","id":1}"#);
    let mut all = Vec::new();
    for auth in [token, json!({ "nonsense": true })] {
        let mut deaf = Raw::upgrade(&server, "").await;
        let auth = json!({ "type": "auth", "id": 2, "data": auth }).to_string();
        // the answers have more bytes than the kernels and the queue hold; the server has read all requests, the last
        // one too
        let frames = [describe.repeat(10), raw::frame(0x81, auth.as_bytes())].concat();
        deaf.send(&frames).await;
        all.push(deaf);
    }
    eventually("two closes", || async {
        let metrics = http::get(&server, "/metrics").await.text().await;
        let closed = "taskwire_sockets_closed_total{code=\"4401\"} 2\n";
        metrics.expect("text").contains(closed).then_some(())
    })
    .await;
}

/// The database lets each query wait for 4 s, and the server reads the second and the third one with the first. A peer
/// that the server reads may not be silent as long as they last together after a ping.
#[tokio::test]
async fn a_peer_is_not_dead_while_the_server_does_not_read_it() {
    let settings = [("heartbeat_seconds", "1"), ("in_flight", "1")];
    let server = Server::start(Engine::Postgres, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut link = server.database.link().await;
    link.execute("begin; lock table tasks").await.expect("a lock");
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(ada.ask("task.list", json!({})).await);
    }
    for id in asked {
        let answer = ada.answer(id).await;
        assert_eq!(answer["error"]["retryable"], true, "{answer}");
    }
    link.execute("rollback").await.expect("no lock");
    ada.ok("task.list", json!({})).await;
}

#[tokio::test]
async fn a_peer_that_the_server_does_not_read_gets_its_answers_before_a_restart() {
    let settings = [("heartbeat_seconds", "1"), ("drain_seconds", "15")];
    let mut server = Server::start(Engine::Postgres, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut link = server.database.link().await;
    link.execute("begin; lock table tasks").await.expect("a lock");
    let id = ada.ask("task.list", json!({})).await;
    assert_eq!(ada.call("ping", json!({})).await["type"], "pong");
    server.ask_to_stop();
    let (frames, code) = ada.until_closed().await;
    assert!(frames.iter().any(|frame| frame["id"] == id), "{frames:?}");
    assert_eq!(code, Some(1012));
    link.execute("rollback").await.expect("no lock");
    assert_eq!(server.ended().await, Some(0));
}
