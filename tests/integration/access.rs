//! What users receive while their access changes: members are added, removed and change roles in the middle of a
//! fan-out. Also readers that pause.

use crate::on_both_databases;
use crate::support::{Client, Engine, Raw, Server, Team, eventually, text};
use serde_json::{Value, json};
use sqlx::Executor;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;

on_both_databases!(
    a_member_who_is_removed_and_added_gets_exactly_the_events_of_each_membership,
    a_lowered_role_applies_from_the_next_request_on,
    a_reader_that_pauses_gets_everything_in_order,
);

/// With this many rounds and [`SOCKETS`], removals happen in every part of a fan-out.
const ROUNDS: usize = 40;
/// With three sockets the test did not detect a server that told its sockets of a removal too late.
const SOCKETS: usize = 24;

/// A member who writes without a pause until told to stop.
struct Writer {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Client>,
}

impl Writer {
    async fn start(server: &Server, tokens: &Value, workspace: &str) -> Writer {
        let mut client = Client::with_tokens(server, tokens, json!({ "streams": [] })).await;
        let create = json!({ "type": "task.create", "data": { "workspace_id": workspace, "title": "More" } });
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            while !stopped.load(Ordering::Acquire) {
                for _ in 0..5 {
                    client.send(&create).await;
                }
                client.ok("task.create", create["data"].clone()).await;
            }
            client
        });
        Writer { stop, task }
    }

    async fn stop(self) -> Client {
        self.stop.store(true, Ordering::Release);
        self.task.await.expect("a writer that could write")
    }
}

/// A socket of a member who is removed and added again and again. It checks each frame against what they may read at
/// that moment.
struct Guest {
    client: Client,
    stream: String,
    /// Whether it subscribes to the stream itself instead of following everything.
    asks: bool,
    /// The seq of the last workspace event received, while they are a member.
    at: Option<u64>,
    heard: usize,
}

impl Guest {
    async fn new(server: &Server, tokens: &Value, stream: String, asks: bool) -> Guest {
        let mut client = Client::with_tokens(server, tokens, json!({})).await;
        if asks {
            let own = format!("user:{}", client.user_id());
            client = Client::with_tokens(server, tokens, json!({ "streams": [own] })).await;
        }
        Guest {
            client,
            stream,
            asks,
            at: None,
            heard: 0,
        }
    }

    /// Takes the next frame, and checks it.
    async fn step(&mut self) {
        let frame = self.client.take("a frame", |_| true).await;
        assert_ne!(frame["type"], "error", "{frame}");
        if frame["stream"] == *self.stream {
            let seq = frame["seq"].as_u64().expect("a seq");
            assert_eq!(
                self.at.map(|at| at + 1),
                Some(seq),
                "not the next event of a membership: {frame}"
            );
            self.at = Some(seq);
            self.heard += 1;
        } else if frame["event"] == "access.granted" {
            let seq = frame["data"]["seq"].as_u64().expect("a seq");
            (self.at, self.heard) = (Some(seq), 0);
            if self.asks {
                let since = json!({ "stream": self.stream, "since": seq });
                self.client.ask("stream.subscribe", since).await;
            }
        } else if frame["event"] == "access.lost" {
            assert!(self.at.take().is_some(), "access was lost twice: {frame}");
        }
    }

    /// Reads until access is lost. Returns the seq of the last workspace event received.
    async fn lose(&mut self) -> u64 {
        let mut last = 0;
        while let Some(at) = self.at {
            last = at;
            self.step().await;
        }
        last
    }
}

/// The seq of a mutation's last event in a stream.
fn seq_of(answer: &Value, stream: &str) -> u64 {
    answer["at"][stream]
        .as_u64()
        .unwrap_or_else(|| panic!("{answer}"))
}

async fn a_member_who_is_removed_and_added_gets_exactly_the_events_of_each_membership(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (stream, bob) = (team.stream(), Client::sign_up(&server, "bob").await);
    let add = json!({ "workspace_id": team.workspace, "username": "bob", "role": "viewer" });
    let remove = json!({ "workspace_id": team.workspace, "user_id": bob.user_id() });
    let mut guests = Vec::new();
    for asks in (0..SOCKETS).map(|n| n % 8 == 7) {
        guests.push(Guest::new(&server, &bob.tokens, stream.clone(), asks).await);
    }
    let writer = Writer::start(&server, &team.admin.tokens, &team.workspace).await;
    for round in 0..ROUNDS {
        let added = team.owner.call("member.add", add.clone()).await;
        for guest in &mut guests {
            while guest.at.is_none() || guest.heard < 1 + round % 5 {
                guest.step().await;
            }
        }
        let first = guests[0].at.expect("a member") - guests[0].heard as u64;
        assert_eq!(
            first,
            seq_of(&added, &stream),
            "access.granted must name the seq of member.added"
        );
        let removed = team.owner.call("member.remove", remove.clone()).await;
        for guest in &mut guests {
            let last = guest.lose().await;
            assert!(
                last < seq_of(&removed, &stream),
                "seq {last} arrived after the removal {removed}"
            );
        }
        team.owner.forget_events();
    }
    writer.stop().await;
    for guest in &mut guests {
        // events that were already on their way arrive before this answer
        let id = guest.client.ask("user.sync", json!({})).await;
        let sync = guest.client.answer(id).await;
        assert_eq!(sync["type"], "ok", "{sync}");
        let late = guest.client.events_so_far().await;
        assert!(late.iter().all(|event| event["stream"] != stream), "{late:?}");
    }
}

async fn a_lowered_role_applies_from_the_next_request_on(engine: Engine) {
    let server = Server::start(engine, &[]).await;
    let mut team = Team::gather(&server).await;
    let (stream, member) = (team.stream(), team.member.user_id());
    let mut writer = Client::with_tokens(&server, &team.member.tokens, json!({ "streams": [] })).await;
    let create = json!({ "workspace_id": team.workspace, "title": "Mine" });
    let role = |role: &str| json!({ "workspace_id": team.workspace, "user_id": member, "role": role });
    for round in 0..ROUNDS {
        let mut ids = Vec::new();
        for _ in 0..60 {
            ids.push(writer.ask("task.create", create.clone()).await);
        }
        if round % 2 == 1 {
            assert_eq!(writer.answer(ids.remove(0)).await["type"], "ok");
        }
        let lowered = team.owner.call("member.update", role("viewer")).await;
        let lowered = seq_of(&lowered, &stream);
        let after = writer.refused("task.create", create.clone()).await;
        assert_eq!(after["code"], "FORBIDDEN");
        let mut forbidden = false;
        for id in ids {
            let answer = writer.answer(id).await;
            if answer["type"] == "ok" {
                assert!(!forbidden, "allowed after a refusal: {answer}");
                assert!(
                    seq_of(&answer, &stream) < lowered,
                    "carried out after the role was lowered: {answer}"
                );
            } else {
                assert_eq!(answer["error"]["code"], "FORBIDDEN", "{answer}");
                forbidden = true;
            }
        }
        team.owner.ok("member.update", role("member")).await;
        writer.ok("task.create", create.clone()).await;
        team.owner.forget_events();
    }
}

async fn a_reader_that_pauses_gets_everything_in_order(engine: Engine) {
    let settings = [("socket_queue_bytes", "65536"), ("ring_bytes_per_topic", "16384")];
    let server = Server::start(engine, &settings).await;
    let team = Team::gather(&server).await;
    let mut reader = Raw::member(&server, &team.viewer.tokens).await;
    let (_, welcome) = reader.frame().await;
    let welcome: Value = serde_json::from_slice(&welcome).expect("JSON");
    let streams = welcome["data"]["streams"].as_array().expect("streams");
    let state = streams.iter().find(|state| state["stream"] == team.stream());
    let mut seq = state.expect("the team's")["seq"].as_u64().expect("a seq");
    let nothing = json!({ "streams": [] });
    let mut writer = Client::with_tokens(&server, &team.owner.tokens, nothing).await;
    let description = "x".repeat(1000);
    let data = |n: usize| json!({ "workspace_id": team.workspace, "title": n.to_string(), "description": description });
    for n in 0..2000 {
        if n % 50 == 49 {
            writer.ok("task.create", data(n)).await;
        } else {
            writer
                .send(&json!({ "type": "task.create", "data": data(n) }))
                .await;
        }
    }
    let mut titles = 0;
    while titles < 2000 {
        let (first, payload) = reader.frame().await;
        if first == 0x89 {
            continue; // a ping
        }
        let frame: Value = serde_json::from_slice(&payload).expect("JSON");
        if frame["stream"] == team.stream() {
            seq += 1;
            assert_eq!(frame["seq"], seq, "{frame}");
            assert_eq!(text(&frame["data"]["title"]), titles.to_string());
            titles += 1;
        }
    }
}

/// All reads wait for the only connection of the pool, which waits for a lock. Writes have their own connection.
#[tokio::test]
async fn a_stream_that_is_granted_during_a_sync_sends_nothing_before_the_page() {
    let server = Server::start(Engine::Postgres, &[("database_connections", "1")]).await;
    let mut team = Team::gather(&server).await;
    let mut bob = Client::sign_up(&server, "bob").await;
    let (workspace, stream) = (team.workspace.clone(), team.stream());
    let mut link = server.database.link().await;
    link.execute("begin; lock table kicks").await.expect("a lock");
    eventually("a look at the kicks", || async {
        (server.database.lock_waiters().await > 0).then_some(())
    })
    .await;
    let sync = bob
        .ask("workspace.sync", json!({ "workspace_id": workspace }))
        .await;
    // a ping skips the queue: its answer shows that the server has read the request before it
    bob.call("ping", json!({})).await;
    let add = json!({ "workspace_id": workspace, "username": "bob", "role": "viewer" });
    team.owner.ok("member.add", add).await;
    let create = json!({ "workspace_id": workspace, "title": "Early" });
    team.owner.ok("task.create", create.clone()).await;
    link.execute("rollback").await.expect("no lock");
    let first = bob
        .take("the page", |frame| {
            frame["id"] == sync || frame["stream"] == stream
        })
        .await;
    assert_eq!(first["type"], "ok", "{first}");
    team.owner.ok("task.create", create).await;
    let next = bob.next_of(&stream).await["seq"].as_u64();
    assert_eq!(next, first["data"]["seq"].as_u64().map(|seq| seq + 1));
}
