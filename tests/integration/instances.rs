//! Several instances on one PostgreSQL database, as real processes. What one commits reaches the sockets of all, with
//! Redis in any state; access that ends on one instance ends on all.

mod control;
mod forged;
mod redis;
mod reminding;
mod revocation;
mod storm;
pub mod stranger;

use crate::support::redis::{own_prefix, shared_url};
use crate::support::{Client, Follower, Server, Team, http, text};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The time within which an event must reach another instance through Redis; and the end of a session also without.
const SOON: Duration = Duration::from_secs(1);
/// The time within which an event must reach another instance without Redis, or when Redis has just stopped: the heads of
/// workspaces are compared every two seconds.
const WITHOUT_REDIS: Duration = Duration::from_secs(3);
/// A loaded machine may be late, so one of this many tries must be in time.
const TRIES: usize = 4;

/// Instances that share a Redis.
async fn with_redis(n: usize) -> Vec<Server> {
    with_redis_and(n, &[]).await
}

/// Instances that share a Redis, with further settings.
async fn with_redis_and(n: usize, more: &[(&str, &str)]) -> Vec<Server> {
    let (url, prefix) = (shared_url(), own_prefix());
    let mut settings = vec![("redis_url", &*url), ("redis_prefix", &*prefix)];
    settings.extend(more);
    let servers = Server::start_several(n, &settings).await;
    for server in &servers {
        redis_becomes(server, "healthy").await;
    }
    servers
}

/// Waits until an instance reports this status of Redis.
pub async fn redis_becomes(server: &Server, status: &str) {
    crate::support::eventually(&format!("redis {status}"), || async {
        let health: Value = http::get(server, "/health/detailed").await.json().await.ok()?;
        (health["redis"]["status"] == status).then_some(())
    })
    .await;
}

/// The value of an instance's metric.
async fn number(server: &Server, name: &str) -> f64 {
    let metrics = http::get(server, "/metrics").await.text().await.expect("numbers");
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0.0, |number| number.parse().expect("a number"))
}

/// The time from the commit of a task on one instance to its event on a socket of another.
async fn push(writer: &mut Client, reader: &mut Client, workspace: &str) -> Duration {
    let title = uuid::Uuid::new_v4().to_string();
    let create = json!({ "workspace_id": workspace, "title": title });
    writer.ok("task.create", create).await;
    let begun = Instant::now();
    reader
        .take("the task", |frame| {
            frame["event"] == "task.created" && frame["data"]["title"] == title.as_str()
        })
        .await;
    begun.elapsed()
}

/// Asserts that the events of a stream arrive without a gap, from `seq` + 1 to `to`.
async fn follows(reader: &mut Client, stream: &str, mut seq: u64, to: u64) {
    while seq < to {
        let event = reader.next_of(stream).await;
        assert_eq!(event["seq"], seq + 1, "{event}");
        seq += 1;
    }
}

/// The head of a stream in a welcome.
fn head(client: &Client, stream: &str) -> u64 {
    let streams = client.welcome["data"]["streams"].as_array().expect("streams");
    let state = streams.iter().find(|state| state["stream"] == stream);
    state.expect("the stream")["seq"].as_u64().expect("a seq")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_any_instance_commits_reaches_all_of_them_without_a_gap() {
    let servers = with_redis(3).await;
    let team = Team::gather(&servers[0]).await;
    let stream = team.stream();
    let mut readers = Vec::new();
    for server in &servers {
        readers.push(Client::with_tokens(server, &team.viewer.tokens, json!({})).await);
    }
    let writers = servers.iter().zip([&team.owner, &team.admin, &team.member]);
    let mut writing = Vec::new();
    for (server, who) in writers {
        let mut client = Client::with_tokens(server, &who.tokens, json!({ "streams": [] })).await;
        let workspace = team.workspace.clone();
        writing.push(tokio::spawn(async move {
            let mut last = 0;
            for n in 0..60 {
                let data = json!({ "workspace_id": workspace, "title": format!("Task {n}") });
                let answer = client.call("task.create", data).await;
                last = answer["at"][format!("workspace:{workspace}")]
                    .as_u64()
                    .expect("a seq");
            }
            last
        }));
    }
    let mut to = 0;
    for writer in writing {
        to = to.max(writer.await.expect("a writer"));
    }
    for reader in &mut readers {
        let from = head(reader, &stream);
        assert!(to - from >= 180, "{from} to {to}");
        follows(reader, &stream, from, to).await;
    }
    for server in &servers {
        assert!(number(server, "taskwire_bus_published_total").await >= 60.0);
        assert!(number(server, "taskwire_bus_received_total").await >= 120.0);
    }
}

/// The later copy waits for the stream's lock, and then finds the op_id of the earlier one. If it has looked before
/// that lock, the unique key of the op_ids makes it run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_mutation_on_several_instances_at_once_have_one_effect() {
    const ROUNDS: usize = 30;
    let servers = with_redis(2).await;
    let mut ada = Client::sign_up(&servers[0], "ada").await;
    let id = ada.ok("task.create", json!({ "title": "T" })).await["id"].clone();
    let mut there = Client::with_tokens(&servers[1], &ada.tokens, json!({ "streams": [] })).await;
    for round in 0..ROUNDS {
        let toggle = json!({
            "type": "task.complete", "id": format!("toggle {round}"), "op_id": uuid::Uuid::new_v4(), "data": { "id": id },
        });
        tokio::join!(ada.send(&toggle), there.send(&toggle));
        let (one, other) = tokio::join!(
            ada.answer(format!("toggle {round}")),
            there.answer(format!("toggle {round}"))
        );
        let replays = [&one, &other].map(|answer| answer["replayed"] == true);
        assert_ne!(replays[0], replays[1], "{one} {other}");
        assert_eq!((&one["at"], &one["data"]), (&other["at"], &other["data"]));
    }
    let task = ada.ok("task.get", json!({ "id": id })).await;
    assert_eq!(task["version"], 1 + ROUNDS, "{task}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_crosses_instances_within_a_second_and_without_redis_within_three() {
    for (servers, most) in [
        (with_redis(2).await, SOON),
        (Server::start_several(2, &[]).await, WITHOUT_REDIS),
    ] {
        let mut writer = Client::sign_up(&servers[0], "ada").await;
        let workspace = writer.personal();
        let mut reader = Client::with_tokens(&servers[1], &writer.tokens, json!({})).await;
        let mut took = Vec::new();
        while took.iter().all(|took| *took > most) {
            assert!(took.len() < TRIES, "a push took {took:?}, not {most:?}");
            took.push(push(&mut writer, &mut reader, &workspace).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_too_large_for_redis_is_read_from_the_log() {
    let servers = with_redis(2).await;
    let mut team = Team::gather(&servers[0]).await;
    let mut reader = Client::with_tokens(&servers[1], &team.viewer.tokens, json!({})).await;
    // each of these characters takes six bytes in JSON
    let description = format!("x{}x", "\u{1}".repeat(998));
    for title in ["One", "Two"] {
        let data = json!({ "workspace_id": team.workspace, "title": title, "description": description,
            "tags": (0..20).map(|n| format!("{n:02}{}", "\u{20ac}".repeat(48))).collect::<Vec<_>>() });
        team.owner.ok("task.create", data).await;
    }
    for title in ["One", "Two"] {
        let event = reader.event("task.created").await;
        assert_eq!(event["data"]["title"], title);
        assert_eq!(event["data"]["description"], description);
        assert!(event.to_string().len() > 8192);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deployments_that_share_a_redis_do_not_receive_from_each_other() {
    let one = with_redis(1).await;
    let other = with_redis(1).await;
    let mut ada = Client::sign_up(&one[0], "ada").await;
    let mut bob = Client::sign_up(&other[0], "bob").await;
    let workspace = ada.personal();
    ada.ok("task.create", json!({ "title": "Mine" })).await;
    ada.event("task.created").await;
    assert!(number(&one[0], "taskwire_bus_published_total").await > 0.0);
    assert!(number(&other[0], "taskwire_bus_received_total").await < 1.0);
    let events = bob.events_so_far().await;
    assert!(
        events.iter().all(|event| !event.to_string().contains(&workspace)),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_on_another_instance_removes_the_text_from_the_ring_here() {
    let servers = with_redis(2).await;
    let mut writer = Follower::sign_up(&servers[0], "ada").await;
    let workspace = writer.client.personal();
    let mut keeper = Client::with_tokens(&servers[1], &writer.client.tokens, json!({})).await;
    let stream = format!("workspace:{workspace}");
    let before = head(&keeper, &stream);
    let made = writer.act("task.create", json!({ "title": "Forget me" })).await;
    keeper.event("task.created").await;
    let id = text(&made.data["id"]);
    writer.act("task.delete", json!({ "id": id })).await;
    writer
        .act("task.delete", json!({ "id": id, "permanent": true }))
        .await;
    keeper.event("task.purged").await;
    let epoch = keeper.welcome["data"]["epoch"].clone();
    let resume = json!({ "resume": { "epoch": epoch, "positions": { stream.clone(): before } } });
    let mut late = Client::with_tokens(&servers[1], &keeper.tokens, resume).await;
    let event = late.next_of(&stream).await;
    assert_eq!(event["seq"], before + 1);
    assert!(!event.to_string().contains("Forget me"), "{event}");
}
