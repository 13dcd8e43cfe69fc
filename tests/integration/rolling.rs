//! Three instances on one PostgreSQL behind a real nginx are restarted one after the other under load. Followers see a
//! pause and no gap; everything that was acknowledged is in the log once.

use crate::support::nginx::Nginx;
use crate::support::redis::Redis;
use crate::support::{Engine, PATIENCE, Server, audit, eventually, http, new_id, text, tokens};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use taskwire_client::{Client, Config, Disconnected, Events, FixedToken, Item};
use taskwire_protocol::frames::EventFrame;
use taskwire_protocol::stream::Reason;
use taskwire_protocol::task::CreateTask;
use tokio::task::JoinHandle;

const PEOPLE: usize = 6;
/// Followers of each user.
const FOLLOWERS: usize = 9;
/// The pause between two tasks of one writer. The load continues during all restarts.
const BETWEEN: Duration = Duration::from_millis(25);
/// How many tasks each writer creates at least, even if the restarts end before.
const EACH_AT_LEAST: usize = 20;

/// The instances and the proxy in front of them.
struct Fleet {
    instances: Vec<Server>,
    proxy: Nginx,
    _redis: Option<Redis>,
}

impl Fleet {
    async fn start(redis: Option<Redis>) -> Fleet {
        let redis_url = redis.as_ref().map(|redis| format!("redis://{}", redis.address));
        let settings = [
            ("jwt_secret", tokens::SECRET),
            ("trusted_proxies", "127.0.0.1"),
            ("database_connections", "8"),
            ("redis_url", redis_url.as_deref().unwrap_or("")),
        ];
        let mut instances = vec![Server::start(Engine::Postgres, &settings).await];
        for _ in 1..3 {
            let instance = instances[0].beside(&[]);
            instances.push(instance);
        }
        let addresses = [0, 1, 2].map(|n: usize| instances[n].address);
        Fleet {
            proxy: Nginx::start(addresses),
            instances,
            _redis: redis,
        }
    }

    /// A client through the proxy.
    fn client(&self, tokens: &Value) -> (Client, Events) {
        let token = FixedToken::new(text(&tokens["access_token"]));
        Client::connect(Config::new(self.proxy.url(""), token)).expect("a client")
    }

    /// Stops an instance with SIGTERM, and starts another process in its place.
    async fn restart(&mut self, n: usize) {
        let instance = &mut self.instances[n];
        instance.ask_to_stop();
        assert_eq!(instance.ended().await, Some(0), "instance {n}");
        instance.spawn();
        let instance = &self.instances[n];
        eventually("readiness", || async {
            (http::get(instance, "/readyz").await.status() == 200).then_some(())
        })
        .await;
    }

    /// Waits until the proxy sends sockets to a restarted instance: reconnecting clients, or the one that this makes.
    async fn takes_part(&self, n: usize, tokens: &Value) {
        eventually("a socket on the fresh instance", || async {
            let (client, _events) = self.client(tokens);
            client.ready().await.expect("a welcome");
            (self.sockets(n).await > 0).then_some(())
        })
        .await;
    }

    async fn sockets(&self, n: usize) -> u64 {
        self.health(n).await["sockets"].as_u64().expect("a number")
    }

    async fn health(&self, n: usize) -> Value {
        let answer = http::get(&self.instances[n], "/health/detailed").await;
        answer.json().await.expect("JSON")
    }
}

/// What one client received.
#[derive(Default)]
struct Seen {
    events: BTreeMap<String, Vec<EventFrame>>,
    /// The seq from which each stream was followed.
    begun: BTreeMap<String, u64>,
    /// Streams that were not resumed.
    lost: Vec<(String, Reason)>,
    goodbyes: usize,
    closed: Vec<u16>,
    /// Connections that ended without a close code.
    broken: Arc<Mutex<Vec<String>>>,
}

impl Seen {
    fn take(&mut self, item: Item) {
        match item {
            Item::Event(frame) => {
                let events = self.events.entry(frame.stream.to_string()).or_default();
                events.push(frame);
            }
            Item::Connected(welcome) => {
                for state in &welcome.streams {
                    self.begun.entry(state.stream.clone()).or_insert(state.seq);
                    if let Some(reason) = state.reason.filter(|reason| *reason != Reason::New) {
                        self.lost.push((state.stream.clone(), reason));
                    }
                }
            }
            Item::Signal { signal, .. } => self.goodbyes += usize::from(signal == "server.goodbye"),
            Item::Disconnected { reason, .. } => match reason {
                Disconnected::Closed { code, .. } => self.closed.push(code),
                other => self.broken.lock().expect("no panic").push(other.to_string()),
            },
            _ => {}
        }
    }

    /// The last seq of a stream.
    fn head(&self, stream: &str) -> u64 {
        let last = self.events.get(stream).and_then(|events| events.last());
        last.map_or_else(|| self.begun[stream], |event| event.seq)
    }

    /// Asserts that each stream's events have no gap and no repeat from `begun` on.
    fn check(&self) {
        assert!(self.lost.is_empty(), "not resumed: {:?}", self.lost);
        for (stream, events) in &self.events {
            let seqs = events.iter().map(|event| event.seq);
            let expected = self.begun[stream] + 1..;
            assert!(
                seqs.eq(expected.take(events.len())),
                "{stream}: a gap or a repeat"
            );
        }
    }
}

/// A client that receives everything, until it is told to stop at given heads.
struct Follower {
    client: Client,
    until: tokio::sync::watch::Sender<Option<BTreeMap<String, u64>>>,
    /// Its connections that ended without a close code, which an orderly restart must not cause.
    broken: Arc<Mutex<Vec<String>>>,
    seen: JoinHandle<Seen>,
}

impl Follower {
    fn start((client, mut events): (Client, Events)) -> Follower {
        let (until, mut stop) = tokio::sync::watch::channel(None::<BTreeMap<String, u64>>);
        let broken = Arc::default();
        let mut seen = Seen {
            broken: Arc::clone(&broken),
            ..Seen::default()
        };
        let seen = tokio::spawn(async move {
            loop {
                let heads = stop.borrow_and_update().clone();
                if heads.is_some_and(|heads| heads.iter().all(|(stream, head)| seen.head(stream) >= *head)) {
                    return seen;
                }
                tokio::select! {
                    item = events.next() => seen.take(item.expect("a client that goes on")),
                    changed = stop.changed() => if changed.is_err() { return seen },
                }
            }
        });
        Follower {
            client,
            until,
            broken,
            seen,
        }
    }

    async fn finish(self, heads: &BTreeMap<String, u64>) -> Seen {
        self.until.send_replace(Some(heads.clone()));
        let seen = tokio::time::timeout(2 * PATIENCE, self.seen).await;
        let seen = seen.expect("at the heads in time").expect("no panic");
        let stats = self.client.stats();
        assert_eq!((stats.gaps, stats.duplicates), (0, 0), "{stats:?}");
        seen
    }
}

/// Creates tasks until it is told to stop. Returns the ids of the acknowledged ones.
fn write(client: Client, workspace: Value, stop: Arc<AtomicBool>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut made = Vec::new();
        while made.len() < EACH_AT_LEAST || !stop.load(Ordering::Relaxed) {
            let id = new_id().to_string();
            let task =
                json!({ "id": id, "workspace_id": workspace, "title": format!("Task {}", made.len()) });
            let task: CreateTask = serde_json::from_value(task).expect("parameters");
            client.call(task).await.expect("an acknowledged task");
            made.push(id);
            tokio::time::sleep(BETWEEN).await;
        }
        made
    })
}

/// Makes users and a workspace that they share. Returns its id and their tokens.
async fn gather(server: &Server) -> (Value, Vec<Value>) {
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(http::sign_up(server, &format!("person{n}")).await);
    }
    let mut owner = crate::support::Client::with_tokens(server, &people[0], json!({})).await;
    let workspace = owner.ok("workspace.create", json!({ "name": "Shared" })).await["id"].clone();
    for n in 1..PEOPLE {
        let member = json!({ "workspace_id": workspace, "username": format!("person{n}"), "role": "member" });
        owner.ok("member.add", member).await;
    }
    (workspace, people)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_is_a_pause_and_never_a_gap() {
    restart_one_after_the_other(Some(Redis::start().await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_a_rolling_restart_is_a_longer_pause_and_never_a_gap() {
    restart_one_after_the_other(None).await;
}

async fn restart_one_after_the_other(redis: Option<Redis>) {
    let mut fleet = Fleet::start(redis).await;
    let (workspace, people) = gather(&fleet.instances[0]).await;
    let mut followers = Vec::new();
    for tokens in &people {
        for _ in 0..FOLLOWERS {
            let follower = Follower::start(fleet.client(tokens));
            follower.client.ready().await.expect("a welcome");
            followers.push(follower);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = followers
        .iter()
        .step_by(FOLLOWERS)
        .map(|follower| write(follower.client.clone(), workspace.clone(), stop.clone()))
        .collect();
    for n in 0..3 {
        assert!(fleet.sockets(n).await > 0, "no socket is on instance {n}");
        fleet.restart(n).await;
        fleet.takes_part(n, &people[0]).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.expect("no refusal"));
    }
    for follower in &followers {
        let broken = follower.broken.lock().expect("no panic");
        assert!(broken.is_empty(), "{broken:?}");
    }

    let shared = format!("workspace:{}", text(&workspace));
    for (tokens, followers) in people.iter().zip(in_groups(followers)) {
        audit::heard(&fleet.instances[1], tokens).await;
        let logs = audit::agree(&fleet.instances[1], tokens).await;
        let heads: BTreeMap<String, u64> = logs
            .iter()
            .map(|(stream, log)| (stream.clone(), log.len() as u64))
            .collect();
        is_in_the_log_once(&logs[&shared], &acknowledged);
        for follower in followers {
            let seen = follower.finish(&heads).await;
            seen.check();
            assert!(seen.closed.iter().all(|code| *code == 1012), "{:?}", seen.closed);
            assert!(seen.goodbyes >= seen.closed.len(), "closed without a goodbye");
            saw_the_log(&seen, &logs);
        }
    }
}

fn in_groups(followers: Vec<Follower>) -> Vec<Vec<Follower>> {
    let mut followers = followers.into_iter();
    (0..PEOPLE)
        .map(|_| followers.by_ref().take(FOLLOWERS).collect())
        .collect()
}

fn is_in_the_log_once(log: &[Value], acknowledged: &[String]) {
    let mut created = BTreeMap::<&str, usize>::new();
    for event in log.iter().filter(|event| event["event"] == "task.created") {
        *created
            .entry(event["data"]["id"].as_str().expect("an id"))
            .or_default() += 1;
    }
    assert!(
        created.values().all(|times| *times == 1),
        "a task was created twice"
    );
    let created: BTreeSet<&str> = created.into_keys().collect();
    let wanted: BTreeSet<&str> = acknowledged.iter().map(String::as_str).collect();
    assert_eq!(
        created, wanted,
        "the log must have exactly the acknowledged tasks"
    );
}

/// Asserts that a client received the events of the logs.
fn saw_the_log(seen: &Seen, logs: &audit::Logs) {
    for (stream, log) in logs {
        let begun = usize::try_from(seen.begun[stream]).expect("small");
        let events = seen.events.get(stream).map_or(&[][..], Vec::as_slice);
        assert_eq!(events.len(), log.len() - begun, "{stream}");
        for (event, entry) in events.iter().zip(&log[begun..]) {
            let data: Value = serde_json::from_str(event.data.get()).expect("JSON");
            assert_eq!(
                (&*event.event, &data),
                (entry["event"].as_str().expect("a name"), &entry["data"])
            );
        }
    }
}
