//! Strangers who hold what everybody needs: connections, sockets, memory. Health checks, operators and members get in
//! meanwhile. Every loopback address is another network.

use crate::support::nginx::free_address;
use crate::support::raw::{self, Raw};
use crate::support::{Client, Engine, PATIENCE, Server, eventually, http, text};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How soon the node answers others during an attack, on a machine that has other tests to run.
const SOON: Duration = Duration::from_secs(6);
/// With limits, unlike most tests.
const LIMITED: (&str, &str) = ("rate_limit_enabled", "true");

/// Ends an attack.
struct Attack(JoinSet<()>);

impl Attack {
    /// Connections that never finish their request: more are opened all the time, and the oldest given up.
    fn half_requests(server: &Server, from: u8, networks: u8, open: usize) -> Attack {
        let (mut tasks, address) = (JoinSet::new(), server.address);
        tasks.spawn(async move {
            let mut held = VecDeque::new();
            for n in (0..networks).cycle() {
                if let Ok(mut raw) = Raw::try_dial(address, [127, 0, 1, from + n]).await {
                    let _ = raw.try_send(b"GET /livez HTTP/1.1\r\nX: ").await;
                    held.push_back(raw);
                }
                if held.len() > open {
                    held.pop_front();
                }
                // this machine has other tests to run
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        Attack(tasks)
    }

    /// Sockets that never authenticate, and come again whenever they were closed.
    fn sockets(server: &Server, sockets: usize, networks: usize) -> Attack {
        let (mut tasks, address) = (JoinSet::new(), server.address);
        for n in 0..sockets {
            let from = [127, 0, 2, (n % networks) as u8];
            tasks.spawn(async move {
                loop {
                    if let Ok(mut raw) = Raw::try_dial(address, from).await
                        && raw.try_send(raw::handshake(address).as_bytes()).await.is_ok()
                    {
                        raw.ended_at_last().await;
                    }
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            });
        }
        Attack(tasks)
    }
}

/// A counter or gauge of the node.
async fn metric(server: &Server, name: &str) -> u64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("metrics");
    let value = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_default()
}

/// Waits until a counter has counted so many.
async fn reaches(server: &Server, name: &str, least: u64) {
    eventually(name, || async {
        (metric(server, name).await >= least).then_some(())
    })
    .await;
}

/// The head of an answer to a request from an address of its own.
async fn get(server: &Server, from: u8, path: &str, headers: &str) -> String {
    get_at(server.address, from, path, headers).await
}

/// The same, at any address.
async fn get_at(address: SocketAddr, from: u8, path: &str, headers: &str) -> String {
    let begun = Instant::now();
    let mut raw = Raw::try_dial(address, [127, 0, 0, from])
        .await
        .expect("a connection");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
    raw.send(request.as_bytes()).await;
    let head = raw.head().await;
    assert!(begun.elapsed() < SOON, "{path} took {:?}", begun.elapsed());
    head
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_requests_keep_nobody_out_whatever_their_number() {
    let server = Server::start(Engine::Sqlite, &[LIMITED, ("max_connections", "200")]).await;
    let tokens = http::sign_up(&server, "ada").await;
    for networks in [1, 64] {
        let displaced = metric(&server, "taskwire_connections_displaced_total").await;
        let attack = Attack::half_requests(&server, 1, networks, 400);
        reaches(&server, "taskwire_connections_displaced_total", displaced + 100).await;
        for _ in 0..20 {
            let head = get(&server, 3, "/livez", "").await;
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        }
        let (code, output) = tokio::task::block_in_place(|| server.run(&["healthcheck"]));
        assert_eq!(code, Some(0), "{output}");
        let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
        ada.ok("profile.get", json!({})).await;
        assert!(metric(&server, "taskwire_connections ").await <= 212);
        drop(attack);
    }
}

#[tokio::test]
async fn a_room_of_busy_connections_has_a_reserve_for_probes_sockets_and_tokens() {
    let inside = free_address();
    let listen = inside.to_string();
    let settings = [LIMITED, ("max_connections", "256"), ("metrics_listen", &*listen)];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    let mut busy = Vec::new();
    let begun = format!(
        "POST /v1/auth/login HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{",
        server.address
    );
    // the room is full once some are refused one after another: a place may have been one of those before, just left
    let mut refused = 0;
    while refused < 5 {
        if get(&server, 3, "/", "").await.starts_with("HTTP/1.1 503 ") {
            refused += 1;
            continue;
        }
        refused = 0;
        let from = [127, 0, 1, (busy.len() % 32) as u8];
        let mut raw = Raw::try_dial(server.address, from).await.expect("a connection");
        let _ = raw.try_send(begun.as_bytes()).await;
        busy.push(raw);
        assert!(busy.len() < 600, "the room is never full");
    }
    assert!(get(&server, 3, "/livez", "").await.starts_with("HTTP/1.1 200 "));
    // what operators look at has an address of its own
    for path in ["/metrics", "/health/detailed", "/livez"] {
        let head = get_at(inside, 3, path, "").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
    }
    let made_up = get(&server, 3, "/v1/auth/me", "Authorization: Bearer made-up\r\n").await;
    assert!(made_up.starts_with("HTTP/1.1 503 "), "{made_up}");
    let bearer = format!("Authorization: Bearer {}\r\n", text(&tokens["access_token"]));
    let head = get(&server, 3, "/v1/auth/me", &bearer).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    ada.ok("profile.get", json!({})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_leave_when_members_come() {
    let settings = [LIMITED, ("max_sockets", "200"), ("sockets_per_user", "60")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = http::sign_up(&server, "ada").await;
    for networks in [1, 32] {
        let displaced = metric(&server, "taskwire_sockets_displaced_total").await;
        let attack = Attack::sockets(&server, 400, networks);
        reaches(&server, "taskwire_sockets_displaced_total", displaced + 300).await;
        for _ in 0..2 {
            let mut members = JoinSet::new();
            for _ in 0..50 {
                members.spawn(member(server.address, tokens.clone()));
            }
            let begun = Instant::now();
            let members = tokio::time::timeout(PATIENCE, members.join_all()).await;
            let members = members.expect("all members in time");
            println!("{networks} networks: 50 members after {:?}", begun.elapsed());
            assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
            // those that were told to leave are counted until they have
            let sockets = metric(&server, "taskwire_sockets ").await;
            assert!(sockets <= 300, "{sockets} of 500");
            drop(members);
        }
        drop(attack);
    }
}

/// A member's socket after its welcome. While it has not authenticated it may have to leave too, and then comes again.
async fn member(address: SocketAddr, tokens: Value) -> Raw {
    loop {
        let token = text(&tokens["access_token"]);
        let auth = json!({ "type": "auth", "id": 1, "data": { "token": token, "streams": [] } });
        let mut raw = Raw::try_dial(address, [127, 0, 0, 4])
            .await
            .expect("a connection");
        let asked = [
            raw::handshake(address).into_bytes(),
            raw::frame(0x81, auth.to_string().as_bytes()),
        ]
        .concat();
        if raw.try_send(&asked).await.is_ok() && raw.is_welcomed().await {
            return raw;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn five_hundred_strangers_cost_little_memory_whatever_they_fragment() {
    const BOUND: u64 = 16 * 1024 * 1024;
    let settings = [LIMITED, ("auth_timeout_seconds", "60")];
    let mut server = Server::start(Engine::Sqlite, &settings).await;
    let tokens = Client::sign_up(&server, "ada").await.tokens;
    server.terminate(); // hashing the password took more memory than the strangers may: start with a fresh peak
    server.spawn();
    let fragments = [
        vec![raw::frame(0x01, &[b' '; 16_000])],
        vec![raw::frame(0x00, &[b' '; 16_000]); 37],
    ];
    let sent = fragments.concat().concat();
    let mut strangers = Vec::new();
    for _ in 0..500 {
        let mut raw = Raw::try_dial(server.address, [127, 0, 0, 1])
            .await
            .expect("a connection");
        raw.send(raw::handshake(server.address).as_bytes()).await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        strangers.push(raw);
    }
    let before = server.memory("VmHWM");
    let sending = strangers.iter_mut().map(async |raw| {
        // most of it stays in the kernel
        let _stuck = tokio::time::timeout(Duration::from_secs(2), raw.try_send(&sent)).await;
    });
    futures_util::future::join_all(sending).await;
    let positions: serde_json::Map<String, Value> = (1..=1000)
        .map(|n| (format!("workspace:{}", uuid::Uuid::from_u128(n)), json!(1)))
        .collect();
    let mut auth = json!({ "type": "auth", "id": 1, "data": { "token": tokens["access_token"] } });
    auth["data"]["resume"] = json!({ "epoch": "another", "positions": positions });
    let mut ada = Raw::try_dial(server.address, [127, 0, 0, 5])
        .await
        .expect("a connection");
    ada.send(raw::handshake(server.address).as_bytes()).await;
    ada.send(&raw::frame(0x81, auth.to_string().as_bytes())).await;
    assert!(ada.is_welcomed().await);
    let grown = server.memory("VmHWM").saturating_sub(before);
    println!("500 strangers cost {grown} bytes");
    assert!(grown < BOUND, "500 strangers cost {grown} bytes");
    drop(strangers);
}
