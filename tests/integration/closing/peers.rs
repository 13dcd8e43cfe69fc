//! Peers that misbehave: they never read, stall in the handshake, or flood. When the server ends them, and how much
//! memory they may cost until then.

use crate::support::raw::{self, counted};
use crate::support::{Client, Engine, Raw, Server, http};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How much memory peers that never read may cost.
const FLOOD_BOUND: u64 = 32 * 1024 * 1024;

#[tokio::test]
async fn a_peer_that_neither_reads_nor_answers_is_dead() {
    let settings = [("heartbeat_seconds", "1"), ("socket_queue_bytes", "65536")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let deaf = Raw::member(&server, &ada.tokens).await;
    // more than the kernels and the queue hold, so that the server's ping cannot be sent either
    tell_kilobytes(&mut ada, 600).await;
    // a client answers pings only while it is polled, and must not be found dead too
    let alive = async {
        loop {
            ada.ok("profile.get", json!({})).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = counted(&server, 4408) => {}
        () = alive => {}
    }
    stays_alone(&server, &mut ada).await;
    drop(deaf);
}

/// Creates events of more than a kilobyte each, for readers and for a peer that does not read.
async fn tell_kilobytes(client: &mut Client, events: usize) {
    let description = "x".repeat(1000);
    for n in 0..events {
        let data = json!({ "title": n.to_string(), "description": description });
        client.ok("task.create", data).await;
        client.forget_events();
    }
}

/// Asserts that the reader's socket stays, and that the other socket is gone.
async fn stays_alone(server: &Server, reader: &mut Client) {
    reader.ok("profile.get", json!({})).await;
    let health = http::get(server, "/health/detailed").await;
    let health: Value = health.json().await.expect("JSON");
    assert_eq!(
        health["sockets"], 1,
        "the dead socket must not be counted any more"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_peer_that_takes_nothing_is_dead_even_while_the_server_writes() {
    let server = Server::start(Engine::Sqlite, &[("heartbeat_seconds", "1")]).await;
    let mut ada = Client::sign_up(&server, "ada").await;
    let deaf = Raw::member(&server, &ada.tokens).await;
    // more than the peer's kernel takes, but less than ours buffers, so each event is written at once
    tell_kilobytes(&mut ada, 30).await;
    let trickle = async {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        for _ in 0..20 {
            second.tick().await;
            ada.ok("task.create", json!({ "title": "a little more" })).await;
            ada.forget_events();
        }
    };
    tokio::select! {
        () = counted(&server, 4408) => {}
        () = trickle => panic!("the socket was not closed"),
    }
    stays_alone(&server, &mut ada).await;
    drop(deaf);
}

/// The smallest receive buffer of Linux is a little larger: the peer's window is nearly always closed.
const SMALL: u32 = 4096;
/// Longer than a peer may be silent at a heartbeat of a second, several times.
const LONG: Duration = Duration::from_secs(24);

/// Reads slowly without ever answering a ping, then reads everything. Returns the events of the workspace.
async fn read_slowly(mut raw: Raw, bytes_per_second: u64, stream: &str, last: &str) -> Vec<Value> {
    let end = format!("\"title\":\"{last}\"");
    // the end is in what the last read added
    let has_end = |all: &[u8]| {
        let tail = &all[all.len().saturating_sub(70_000)..];
        tail.windows(end.len()).any(|part| part == end.as_bytes())
    };
    let mut all = raw.sip(bytes_per_second, LONG, has_end).await;
    raw.drink(&mut all, has_end).await;
    // the frame with the title may not be whole yet
    let events = |all: &[u8]| {
        let texts = raw::texts(all).into_iter();
        texts
            .filter(|frame| frame["stream"] == stream)
            .collect::<Vec<_>>()
    };
    let is_last = |all: &[u8]| {
        events(all)
            .last()
            .is_some_and(|event| event["data"]["title"] == last)
    };
    raw.drink(&mut all, is_last).await;
    events(&all)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_takes_bytes_slowly_stays_and_gets_every_event() {
    let settings = [("heartbeat_seconds", "1"), ("rate_limit_enabled", "false")];
    let server = Server::start(Engine::Sqlite, &settings).await;
    // one is far behind, and the server's queue for it is full; the kernel has all that the other one lacks
    let (mut far, mut near) = (
        Client::sign_up(&server, "far").await,
        Client::sign_up(&server, "near").await,
    );
    let mut readers = Vec::new();
    for (client, paces) in [(&far, [1024, 8192]), (&near, [1024, 2048])] {
        for pace in paces {
            let raw = Raw::member_with(&server, &client.tokens, SMALL).await;
            let stream = format!("workspace:{}", client.personal());
            readers.push((raw, pace, stream));
        }
    }
    let writing = async {
        tell_kilobytes(&mut near, 12).await;
        tell_kilobytes(&mut far, 250).await;
    };
    let lasts = ["249", "249", "11", "11"];
    let reading = readers
        .into_iter()
        .zip(lasts)
        .map(async |((raw, pace, stream), last)| {
            let events = read_slowly(raw, pace, &stream, last).await;
            let seqs = events.iter().map(|event| event["seq"].as_u64().expect("a seq"));
            let first = events[0]["seq"].as_u64().expect("a seq");
            let expected = (first..).take(events.len());
            assert!(seqs.eq(expected), "events are missing at {pace} bytes/s");
            assert_eq!(events[0]["data"]["title"], "0");
        });
    tokio::join!(writing, futures_util::future::join_all(reading));
}

/// An answer over HTTP to a reader whose window is nearly always closed.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_answer_over_http_is_delivered_however_slowly_it_is_read() {
    let server = Server::start(Engine::Sqlite, &[("heartbeat_seconds", "1")]).await;
    let mut peer = Raw::dial_with(&server, SMALL).await;
    let request = format!(
        "GET /v1/protocol.json HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address
    );
    peer.send(request.as_bytes()).await;
    let head = peer.head().await.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .expect("a length");
    let length: usize = length.parse().expect("a number");
    let mut body = peer.sip(2048, LONG, |_| false).await;
    peer.drink(&mut body, |body| body.len() >= length).await;
    assert_eq!(body.len(), length);
    serde_json::from_slice::<Value>(&body).expect("JSON");
}

#[tokio::test]
async fn a_stalled_handshake_ends_while_others_are_served() {
    let server = Server::start(Engine::Sqlite, &[("handshake_timeout_seconds", "1")]).await;
    let begun = Instant::now();
    let mut stalled = Vec::new();
    for said in ["", "G", "GET /v1/socket HTTP/1.1\r\nHost: a\r\n"] {
        for _ in 0..20 {
            let mut peer = Raw::dial(&server).await;
            peer.send(said.as_bytes()).await;
            stalled.push(peer);
        }
    }
    let dripping = async {
        let mut peer = Raw::dial(&server).await;
        peer.send(b"GET /v1/socket HTTP/1.1\r\nX-Long: ").await;
        // single bytes do not extend the deadline
        while begun.elapsed() < Duration::from_secs(10) {
            let mut byte = [0];
            let heard = tokio::time::timeout(Duration::from_millis(100), async {
                tokio::io::AsyncReadExt::read(&mut peer.0, &mut byte).await
            });
            match heard.await {
                Err(_) => drop(tokio::io::AsyncWriteExt::write(&mut peer.0, b"x").await),
                Ok(read) if read.as_ref().is_ok_and(|read| *read > 0) => {}
                Ok(_) => return,
            }
        }
        panic!("the handshake was not ended");
    };
    let served = async {
        Client::sign_up(&server, "ada")
            .await
            .ok("profile.get", json!({}))
            .await
    };
    tokio::join!(dripping, served);
    for peer in &mut stalled {
        peer.ended().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_flood_by_peers_that_never_read_costs_little_memory() {
    let mut server = Server::start(Engine::Sqlite, &[("auth_timeout_seconds", "300")]).await;
    let tokens = Client::sign_up(&server, "ada").await.tokens;
    server.terminate(); // hashing the password took more memory than the flood may: start with a fresh peak
    server.spawn();
    let before = server.memory("VmRSS");
    let mut peers = Vec::new();
    for ping in [
        raw::frame(0x89, &[b'x'; 125]),
        raw::frame(0x81, br#"{"type":"ping","id":1}"#),
    ] {
        for mut peer in [
            Raw::upgrade(&server, "").await,
            Raw::member(&server, &tokens).await,
        ] {
            peer.flood(&ping.repeat(1000), 256 << 20).await;
            peers.push(peer);
        }
    }
    let grown = server.memory("VmHWM") - before;
    assert!(grown < FLOOD_BOUND, "the flood cost {grown} bytes");
    let mut ada = Client::with_tokens(&server, &tokens, json!({})).await;
    ada.ok("profile.get", json!({})).await;
}
