//! A node that stops, and a node that gets more sockets than it admits: what clients are told, and when.

use crate::support::raw::Raw;
use crate::support::{Client, Engine, PATIENCE, Server, eventually, http, text};
use serde_json::{Value, json};
use sqlx::Executor;
use std::time::{Duration, Instant};
use taskwire_client::{Client as Caller, Config, Disconnected, Events, FixedToken, Item};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How late a loaded machine may be.
const SLACK: Duration = Duration::from_secs(2);

async fn not_ready(server: &Server) {
    eventually("503 of /readyz", || async {
        (http::get(server, "/readyz").await.status() == 503).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_node_is_not_ready_for_a_while_before_it_closes_sockets() {
    let settings = [("drain_seconds", "12"), ("drain_delay_seconds", "6")];
    let mut server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let told = Instant::now();
    server.ask_to_stop();
    not_ready(&server).await;
    ada.ok("task.create", json!({ "title": "While it waits" })).await;
    let mut new = ada.another(&server).await;
    new.ok("profile.get", json!({})).await;
    assert!(
        told.elapsed() < Duration::from_secs(6),
        "the requests took longer than the delay: this run proves nothing"
    );
    for client in [&mut ada, &mut new] {
        let (frames, code) = client.until_closed().await;
        let goodbye = frames.iter().any(|frame| frame["signal"] == "server.goodbye");
        assert_eq!((goodbye, code), (true, Some(1012)));
    }
    assert!(
        told.elapsed() >= Duration::from_secs(6),
        "sockets closed before the load balancer had time to notice"
    );
    drop((ada, new));
    assert_eq!(server.ended().await, Some(0));
    assert!(
        told.elapsed() < Duration::from_secs(12) + SLACK,
        "{:?}",
        told.elapsed()
    );
}

#[tokio::test]
async fn an_upgrade_while_the_node_drains_is_refused_with_503() {
    let mut server = Server::start(Engine::Sqlite, &[]).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut silent = Raw::member(&server, &tokens).await; // never closes its side, so the node keeps draining
    server.ask_to_stop();
    not_ready(&server).await;
    let refused = eventually("a refusal", || async {
        let mut late = Raw::dial(&server).await;
        let request = "GET /v1/socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        late.send(request.as_bytes()).await;
        let head = late.head().await;
        head.starts_with("HTTP/1.1 503 ").then_some(head)
    })
    .await;
    let refused = refused.to_ascii_lowercase();
    assert!(
        refused.contains("\r\nretry-after: 1\r\n") && refused.contains("\r\nx-request-id: "),
        "{refused}"
    );
    assert_eq!(silent.closed().await, 1012);
    drop(silent);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_node_ends_in_time_when_its_database_hangs() {
    let mut server = Server::start(Engine::Postgres, &[("drain_seconds", "4")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let mut other = server.database.link().await;
    other.execute("begin").await.expect("begun");
    other
        .execute("lock table tasks in access exclusive mode")
        .await
        .expect("locked");
    ada.ask("task.create", json!({ "title": "It waits" })).await;
    ada.ask("task.list", json!({})).await;
    eventually("a statement that waits for the lock", || async {
        (server.database.lock_waiters().await > 0).then_some(())
    })
    .await;
    let told = Instant::now();
    server.ask_to_stop();
    assert_eq!(server.ended().await, Some(0));
    assert!(
        told.elapsed() < Duration::from_secs(4) + SLACK,
        "{:?}",
        told.elapsed()
    );
    drop(other);
}

/// The URL of a server that accepts connections and sends nothing. The channel gets each connection.
async fn silence() -> (String, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("postgres://x@{}/y", listener.local_addr().expect("its address"));
    let (taken, connections) = mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((link, _)) = listener.accept().await {
            if taken.send(link).await.is_err() {
                return;
            }
        }
    });
    (url, connections)
}

#[tokio::test]
async fn a_start_ends_on_request_and_when_the_database_does_not_answer() {
    let (url, mut connections) = silence().await;
    let mut server = Server::prepare(Engine::Sqlite, &[("database_url", &url)]).await;
    let _output = server.launch();
    let link = timeout(PATIENCE, connections.recv()).await.expect("a start");
    server.ask_to_stop();
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    drop(link);

    let _output = server.launch();
    let link = timeout(PATIENCE, connections.recv()).await.expect("a start");
    assert_eq!(server.ended().await, Some(1));
    assert!(server.log().contains("check database_url"), "{}", server.log());
    drop(link);
}

#[tokio::test]
async fn a_start_that_waits_for_the_schema_logs_that_once_and_ends_on_request() {
    let mut server = Server::prepare(Engine::Postgres, &[]).await;
    assert_eq!(server.run(&["migrate"]).0, Some(0));
    let mut other = server.database.link().await;
    other.execute("begin").await.expect("begun");
    let lock = "lock table _sqlx_migrations in access exclusive mode";
    other.execute(lock).await.expect("locked");
    let _output = server.launch();
    eventually("a word about it", async || {
        server.log().contains("the start waits").then_some(())
    })
    .await;
    server.ask_to_stop();
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    assert_eq!(server.log().matches("the start waits").count(), 1);
    drop(other);
}

/// A client that makes calls and follows nothing.
fn caller(server: &Server, tokens: &Value) -> (Caller, Events) {
    let config = Config::new(server.url(""), FixedToken::new(text(&tokens["access_token"])));
    Caller::connect(config.following([])).expect("a client")
}

/// Waits until a client is connected. Returns the close codes that it got before.
async fn welcomed(events: &mut Events) -> Vec<u16> {
    let mut codes = Vec::new();
    let coming = async {
        loop {
            match events.next().await.expect("a client that goes on") {
                Item::Connected(_) => return,
                Item::Disconnected {
                    reason: Disconnected::Closed { code, .. },
                    ..
                } => codes.push(code),
                Item::Stopped(why) => panic!("{why}"),
                _ => {}
            }
        }
    };
    timeout(2 * PATIENCE, coming).await.expect("a welcome in time");
    codes
}

#[tokio::test]
async fn above_the_admission_rate_sockets_close_with_1013_and_clients_reconnect() {
    let settings = [
        ("sockets_admitted_per_second", "2"),
        ("sockets_admitted_burst", "3"),
        ("rate_limit_enabled", "true"),
        ("sockets_per_user", "100"),
    ];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut sockets = Vec::new();
    let refused = loop {
        let mut socket = Raw::upgrade(&server, "").await;
        socket
            .send(&crate::support::raw::frame(0x81, br#"{"type":"ping","id":1}"#))
            .await;
        match socket.frame().await {
            (0x88, payload) => break u16::from_be_bytes([payload[0], payload[1]]),
            _ => sockets.push(socket),
        }
        assert!(sockets.len() < 50, "no socket was refused");
    };
    assert_eq!(refused, 1013);
    let mut clients: Vec<_> = (0..10).map(|_| caller(&server, &tokens)).collect();
    let mut codes = Vec::new();
    for (_, events) in &mut clients {
        codes.extend(welcomed(events).await);
    }
    assert!(
        !codes.is_empty() && codes.iter().all(|code| *code == 1013),
        "ten sockets at once exceed the admission rate, so some must close with 1013: {codes:?}"
    );
}

#[tokio::test]
async fn above_max_sockets_a_socket_closes_and_one_is_admitted_when_another_closes() {
    let server = Server::start(Engine::Sqlite, &[("max_sockets", "2")]).await;
    // the server counts sockets before it checks their tokens, so a wrong token does not matter
    let tokens = http::sign_up(&server, "ada").await;
    let stranger = Raw::upgrade(&server, "").await;
    let mut member = Raw::member(&server, &tokens).await;
    // until then it is a stranger too, and the first of these leaves for the next
    assert!(member.is_welcomed().await, "the member is in");
    let held = [stranger, member];
    let mut third = Raw::member(&server, &json!({ "access_token": "nonsense" })).await;
    let (first, payload) = third.frame().await;
    assert_eq!((first, &payload[..2]), (0x88, &1013_u16.to_be_bytes()[..]));
    let (_client, mut events) = caller(&server, &tokens);
    let refused = async {
        loop {
            if let Some(Item::Disconnected {
                reason: Disconnected::Closed { code, .. },
                ..
            }) = events.next().await
            {
                return code;
            }
        }
    };
    assert_eq!(timeout(PATIENCE, refused).await.expect("a refusal"), 1013);
    drop(held);
    welcomed(&mut events).await;
}
