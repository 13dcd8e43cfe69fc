//! Many people write to many shared workspaces on three instances at once. No transactions deadlock, everything
//! acknowledged is in the logs once, and the logs have no gap.

use crate::support::{Client, Engine, Server, audit, http, text};
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

const SECRET: &str = "a secret of all three instances, long enough";
const PEOPLE: usize = 24;
const WORKSPACES: usize = 8;
/// Members of each workspace.
const MEMBERS: usize = 12;
const ROUNDS: usize = 6;
/// Requests that each user sends before reading an answer.
const AT_ONCE: usize = 16;

/// What all users know.
struct Field {
    workspaces: Vec<String>,
    people: Vec<String>,
    tasks: Mutex<Vec<String>>,
}

impl Field {
    fn workspace(&self, rng: &mut StdRng) -> &str {
        &self.workspaces[rng.random_range(0..WORKSPACES)]
    }

    /// A user who may be, or have been, in the workspace.
    fn member(&self, rng: &mut StdRng) -> &str {
        &self.people[rng.random_range(0..PEOPLE)]
    }

    fn task(&self, rng: &mut StdRng) -> String {
        let tasks = self.tasks.lock().expect("no panic");
        let newest = tasks.len().saturating_sub(200);
        match tasks.len() {
            0 => uuid::Uuid::new_v4().to_string(),
            len => tasks[rng.random_range(newest..len)].clone(),
        }
    }

    fn create(&self, rng: &mut StdRng) -> (&'static str, Value) {
        let title = format!("task {}", rng.random::<u32>());
        let assignees = if rng.random_bool(0.5) {
            vec![]
        } else {
            vec![self.people[0].as_str()]
        };
        let data = json!({ "workspace_id": self.workspace(rng), "title": title, "assignee_ids": assignees });
        ("task.create", data)
    }

    fn wish(&self, rng: &mut StdRng) -> (&'static str, Value) {
        match rng.random_range(0..100) {
            0..35 => self.create(rng),
            35..55 => {
                let title = format!("title {}", rng.random::<u32>());
                ("task.update", json!({ "id": self.task(rng), "title": title }))
            }
            55..65 => {
                let add = [self.member(rng)];
                ("task.assign", json!({ "id": self.task(rng), "add": add }))
            }
            65..72 => ("task.complete", json!({ "id": self.task(rng) })),
            72..80 => ("task.delete", json!({ "id": self.task(rng), "permanent": true })),
            80..85 => {
                let role = ["viewer", "member", "admin"][rng.random_range(0..3)];
                let data =
                    json!({ "workspace_id": self.workspace(rng), "user_id": self.member(rng), "role": role });
                ("member.update", data)
            }
            85..87 => {
                let data = json!({ "workspace_id": self.workspace(rng), "user_id": self.member(rng) });
                ("member.remove", data)
            }
            87..90 => {
                let name = format!("person-{}", rng.random_range(0..PEOPLE));
                let data = json!({ "workspace_id": self.workspace(rng), "username": name, "role": "member" });
                ("member.add", data)
            }
            90..93 => ("notification.mark_all_read", json!({})),
            93..94 => ("workspace.create", json!({ "name": "One more" })),
            _ => {
                // across workspaces and the sender's own stream
                let mut ops: Vec<(&str, Value)> = (0..3).map(|_| self.create(rng)).collect();
                ops.push(("notification.mark_all_read", json!({})));
                ops.push(("task.delete", json!({ "id": self.task(rng), "permanent": true })));
                let ops = ops
                    .iter()
                    .map(|(name, data)| json!({ "type": name, "data": data }));
                (
                    "batch",
                    json!({ "ops": ops.collect::<Vec<_>>(), "atomic": rng.random_bool(0.3) }),
                )
            }
        }
    }
}

/// Sends one user's requests. Returns the op_ids of the acknowledged creates, in the order of the requests.
async fn play(mut client: Client, field: Arc<Field>, seed: u64) -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        let mut asked = Vec::new();
        for _ in 0..AT_ONCE {
            let (name, data) = field.wish(&mut rng);
            let op_id = uuid::Uuid::new_v4().to_string();
            let request = json!({ "type": name, "id": op_id, "op_id": op_id, "data": data });
            client.send(&request).await;
            asked.push((op_id, name));
        }
        for (op_id, name) in asked {
            let answer = client.answer(op_id.as_str()).await;
            if answer["type"] == "ok" {
                if name == "task.create" {
                    let id = text(&answer["data"]["id"]).to_owned();
                    field.tasks.lock().expect("no panic").push(id);
                }
                let changed = answer["at"].as_object().is_some_and(|at| !at.is_empty());
                if changed && name == "task.create" {
                    acknowledged.push(op_id);
                }
            } else {
                let code = text(&answer["error"]["code"]);
                let in_the_way = ["NOT_FOUND", "FORBIDDEN", "CONFLICT", "VALIDATION_ERROR"];
                assert!(in_the_way.contains(&code), "{name}: {answer}");
            }
        }
    }
    acknowledged
}

/// Makes an account, and a socket that follows nothing: this test loads the writers, not the readers.
async fn arrive(server: &Server, name: &str) -> Client {
    let tokens = http::sign_up(server, name).await;
    Client::with_tokens(server, &tokens, json!({ "streams": [] })).await
}

/// Makes the workspaces, each with a dozen members whose sockets are on all instances.
async fn gather(owner: &mut Client, people: &[String]) -> Vec<String> {
    let mut workspaces = Vec::new();
    for w in 0..WORKSPACES {
        let made = owner
            .ok("workspace.create", json!({ "name": format!("Shared {w}") }))
            .await;
        let id = text(&made["id"]).to_owned();
        for m in 1..MEMBERS {
            let name = format!("person-{}", 1 + (w * 5 + m) % (people.len() - 1));
            let role = ["admin", "member"][m % 2];
            let data = json!({ "workspace_id": id, "username": name, "role": role });
            owner.ok("member.add", data).await;
        }
        workspaces.push(id);
    }
    workspaces
}

/// The counters of a metric over all instances, by label.
async fn metric(servers: &[Server], name: &str) -> BTreeMap<String, f64> {
    let mut counted = BTreeMap::new();
    for server in servers {
        let text = http::get(server, "/metrics").await.text().await.expect("metrics");
        for line in text.lines() {
            if let Some((label, value)) = line.strip_prefix(name).and_then(|rest| rest.split_once(' ')) {
                *counted.entry(label.to_owned()).or_default() += value.parse::<f64>().expect("a number");
            }
        }
    }
    counted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transactions_deadlock_and_nothing_is_lost() {
    let settings = [("jwt_secret", SECRET), ("sockets_per_user", "50")];
    let first = Server::start(Engine::Postgres, &settings).await;
    let servers = vec![first.beside(&[]), first.beside(&[]), first];
    let names: Vec<String> = (0..PEOPLE).map(|n| format!("person-{n}")).collect();
    let arriving = names
        .iter()
        .enumerate()
        .map(|(n, name)| arrive(&servers[n % 3], name));
    let mut clients = join_all(arriving).await;
    let people: Vec<String> = clients.iter().map(Client::user_id).collect();
    let tokens: Vec<Value> = clients.iter().map(|client| client.tokens.clone()).collect();
    let field = Arc::new(Field {
        workspaces: gather(&mut clients[0], &names).await,
        people,
        tasks: Mutex::default(),
    });
    let (seed, began): (u64, _) = (rand::random(), Instant::now());
    println!("seed {seed}");
    let playing = clients
        .into_iter()
        .enumerate()
        .map(|(n, client)| tokio::spawn(play(client, field.clone(), seed.wrapping_add(n as u64))));
    let played = join_all(playing).await;
    let played: Vec<Vec<String>> = played
        .into_iter()
        .map(|part| part.expect("a part played"))
        .collect();
    let acknowledged: HashSet<&String> = played.iter().flatten().collect();
    println!("played in {:?}", began.elapsed());
    let retries = metric(&servers, "taskwire_group_retries_total").await;
    let groups = metric(&servers, "taskwire_lane_groups_total").await;
    println!(
        "{} creates acknowledged; retries {retries:?}; groups {groups:?}",
        acknowledged.len()
    );
    assert!(
        acknowledged.len() > 200,
        "only {} creates were acknowledged: too few for a test",
        acknowledged.len()
    );
    assert!(
        groups.contains_key("{beside=\"yes\"}"),
        "only one lane was used: {groups:?}"
    );
    assert!(!retries.contains_key("{cause=\"deadlock\"}"), "{retries:?}");
    let mut link = servers[2].database.link().await;
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    let deadlocks: i64 = sqlx::query_scalar(deadlocks)
        .fetch_one(&mut link)
        .await
        .expect("a count");
    assert_eq!(deadlocks, 0);
    // every log has the seqs from 1 to its head
    let gaps = "select count(*) from streams s left join
          (select stream, count(*) as entries, min(seq) as first, max(seq) as last from log group by stream) l
          on l.stream = s.id
        where s.seq <> coalesce(l.entries, 0) or s.seq <> coalesce(l.last, 0) or (s.seq > 0 and l.first <> 1)";
    let gaps: i64 = sqlx::query_scalar(gaps)
        .fetch_one(&mut link)
        .await
        .expect("a count");
    assert_eq!(gaps, 0);
    // rows, counters and logs agree; a new instance reads them
    let auditor = servers[2].beside(&[]);
    let logs = audit::agree(&auditor, &tokens[0]).await;
    let mut found: HashMap<&str, Vec<&Value>> = HashMap::new();
    for workspace in &field.workspaces {
        for event in &logs[&format!("workspace:{workspace}")] {
            if let Some(op_id) = event["op_id"].as_str() {
                found.entry(op_id).or_default().push(event);
            }
        }
    }
    for part in &played {
        in_order(part, &found);
    }
}

/// Asserts that each request of one socket is in the logs once, in the order of the requests: within a workspace by
/// seq, between workspaces by time.
fn in_order(asked: &[String], found: &HashMap<&str, Vec<&Value>>) {
    let mut last: HashMap<&str, i64> = HashMap::new();
    let mut time = "";
    for op_id in asked {
        let events = found.get(op_id.as_str()).map(Vec::as_slice);
        let Some([event]) = events else {
            panic!("an acknowledged create must be in the logs once: {events:?}");
        };
        let seq = event["seq"].as_i64().expect("a seq");
        let before = last.insert(text(&event["stream"]), seq).unwrap_or_default();
        assert!(before < seq, "{event} must come after seq {before}");
        assert!(
            time <= text(&event["at"]),
            "{event} must not be earlier than {time}"
        );
        time = text(&event["at"]);
    }
}
