//! Several clients against a small server with a log. The server cuts connections at random: before an operation,
//! between its effect and its answer, in the middle of the events. At the end nothing is lost, nothing was done twice,
//! and every replica equals the server's state. The seed is printed.

use crate::support::*;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use taskwire_client::{
    Client, Config, Follower,
    protocol::{
        TaskId,
        task::{CreateTask, DeleteTask, UpdateTask},
    },
};
use tokio::{sync::watch, time::timeout};

/// Events that the log keeps: a client that was away for longer has to sync.
const KEPT: usize = 25;
const PAGE: usize = 7;

struct World {
    rng: StdRng,
    cuts_left: u32,
    tasks: BTreeMap<TaskId, Value>,
    log: Vec<Value>,
    done: HashMap<String, Value>,
    made: u32,
    head: watch::Sender<u64>,
}

type Shared = Arc<Mutex<World>>;

fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl World {
    fn cut(&mut self) -> bool {
        let cut = self.cuts_left > 0 && self.rng.random_range(0..12) == 0;
        self.cuts_left -= u32::from(cut);
        cut
    }

    fn head(&self) -> u64 {
        self.log.len() as u64
    }

    /// Applies a mutation once, and logs it.
    fn apply(&mut self, request: &Value) -> Result<Value, &'static str> {
        let op_id = request["op_id"].as_str().unwrap_or_default().to_owned();
        if let Some(reply) = self.done.get(&op_id) {
            return Ok(reply.clone());
        }
        let data = &request["data"];
        let (name, entity) = if request["type"] == "task.create" {
            self.made += 1;
            (
                "task.created",
                task(
                    u128::from(self.made),
                    1,
                    data["title"].as_str().unwrap_or_default(),
                ),
            )
        } else {
            let id: TaskId = serde_json::from_value(data["id"].clone()).map_err(|_| "VALIDATION_ERROR")?;
            let mut entity = self.tasks.get(&id).ok_or("NOT_FOUND")?.clone();
            entity["version"] = json!(entity["version"].as_i64().unwrap_or_default() + 1);
            if request["type"] == "task.delete" {
                (
                    "task.purged",
                    json!({"id": entity["id"], "version": entity["version"]}),
                )
            } else {
                entity["title"] = data["title"].clone();
                ("task.updated", entity)
            }
        };
        let id: TaskId = serde_json::from_value(entity["id"].clone()).map_err(|_| "INTERNAL_ERROR")?;
        if name == "task.purged" {
            self.tasks.remove(&id);
        } else {
            self.tasks.insert(id, entity.clone());
        }
        self.log.push(event(home(), self.head() + 1, name, &entity));
        self.done.insert(op_id, entity.clone());
        self.head.send_replace(self.head());
        Ok(entity)
    }

    fn snapshot(&self, cursor: Option<&str>) -> Value {
        let after: Option<TaskId> = cursor.and_then(|cursor| cursor.parse().ok());
        let mut rest = self
            .tasks
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| **id > after));
        let tasks: Vec<(&TaskId, &Value)> = rest.by_ref().take(PAGE).collect();
        let more = rest.next().is_some();
        let last = tasks.last().map(|(id, _)| id.to_string()).filter(|_| more);
        let tasks: Vec<Value> = tasks.into_iter().map(|(_, task)| task.clone()).collect();
        workspace_page(self.head(), last.as_deref(), cursor.is_none(), &tasks)
    }

    /// The `welcome` for this `auth`, and the `seq` after which events follow.
    fn resume(&self, auth: &Value) -> (Value, u64) {
        let head = self.head();
        let position = auth["resume"]["positions"][home().to_string()].as_u64();
        match position {
            Some(seq) if head - seq <= KEPT as u64 => {
                (welcome(&[(me(), 3, None), (home(), head, None)]), seq)
            }
            Some(_) => (welcome(&[(me(), 3, None), (home(), head, Some("expired"))]), head),
            None => (
                welcome(&[(me(), 3, Some("new")), (home(), head, Some("new"))]),
                head,
            ),
        }
    }
}

async fn serve(world: Shared, mut peer: Peer<tokio::io::DuplexStream>) -> Tested {
    let auth = peer.receive().await?;
    let (data, mut sent) = lock(&world).resume(&auth["data"]);
    let mut head = lock(&world).head.subscribe();
    peer.send(&json!({"type": "welcome", "id": auth["id"], "data": data}))
        .await?;
    loop {
        let next = {
            let mut world = lock(&world);
            if world.cut() {
                return Ok(());
            }
            world.log.get(sent as usize).cloned()
        };
        if let Some(event) = next {
            peer.send(&event).await?;
            sent += 1;
            // Handle requests between events too.
            match timeout(Duration::from_millis(1), peer.receive()).await {
                Err(_) => continue,
                Ok(request) => {
                    if !answer(&world, &mut peer, &request?, &mut sent).await? {
                        return Ok(());
                    }
                }
            }
            continue;
        }
        tokio::select! {
            request = peer.receive() => {
                if !answer(&world, &mut peer, &request?, &mut sent).await? {
                    return Ok(());
                }
            }
            _ = head.changed() => {}
            () = tokio::time::sleep(Duration::from_secs(20)) => peer.ping().await?,
        }
    }
}

/// `false` when the connection is cut.
async fn answer(
    world: &Shared,
    peer: &mut Peer<tokio::io::DuplexStream>,
    request: &Value,
    sent: &mut u64,
) -> Result<bool, Failed> {
    let name = request["type"].as_str().unwrap_or_default();
    let (reply, cut) = {
        let mut world = lock(world);
        let reply = match name {
            "user.sync" => Ok(user_snapshot(3)),
            "workspace.sync" => {
                let cursor = request["data"]["cursor"].as_str();
                if cursor.is_none() {
                    *sent = world.head();
                }
                Ok(world.snapshot(cursor))
            }
            _ => world.apply(request),
        };
        (reply, world.cut())
    };
    if cut {
        return Ok(false);
    }
    match reply {
        Ok(data) => peer.answer(request, &data).await?,
        Err(code) => peer.refuse(request, code, false).await?,
    }
    Ok(true)
}

/// Makes one client's calls, a few at a time. Returns how many were done.
async fn work(client: Client, world: Shared, rounds: u32) -> Result<u32, Failed> {
    let mut done = 0;
    for round in 0..rounds {
        let (kind, known) = {
            let mut world = lock(&world);
            let kind = world.rng.random_range(0..6);
            let count = world.tasks.len().max(1);
            let n = world.rng.random_range(0..count);
            (kind, world.tasks.keys().nth(n).copied())
        };
        let one = create(&client, format!("{round} one"));
        let two = create(&client, format!("{round} two"));
        let change = async {
            let Some(id) = known else { return Ok(0) };
            let done = if kind == 0 {
                client
                    .call(DeleteTask {
                        id,
                        permanent: Some(true),
                    })
                    .await
                    .map(|_| ())
            } else {
                let mut update = UpdateTask::of(id);
                update.title = Some(format!("{round} changed"));
                client.call(update).await.map(|_| ())
            };
            match done {
                Ok(()) => Ok(1),
                // Another client purged it first.
                Err(error) if error.code().is_some() => Ok(0),
                Err(error) => Err(Failed::from(error)),
            }
        };
        let (one, change, two) = tokio::join!(one, change, two);
        one?;
        two?;
        done += 2 + change?;
    }
    Ok(done)
}

async fn create(client: &Client, title: String) -> Result<(), Failed> {
    let params: CreateTask = serde_json::from_value(json!({ "title": title }))?;
    let made = client.call(params).await?;
    assert_eq!(*made.title, *title, "this is the answer to another request");
    Ok(())
}

/// Follows until all workers are done and the replica has all their changes.
async fn follow(mut follower: Follower, world: Shared, mut working: watch::Receiver<bool>) -> Tested {
    loop {
        // After each change, and after a second without one, check whether everything has arrived.
        let _ = timeout(Duration::from_secs(1), follower.next()).await;
        if *working.borrow_and_update() || !follower.is_synced() {
            continue;
        }
        let world = lock(&world);
        let Some(home) = follower.replica().workspace(HOME) else {
            continue;
        };
        if home.seq() < world.head() {
            continue;
        }
        let held: BTreeMap<TaskId, Value> = home
            .tasks()
            .iter()
            .map(|(id, task)| Ok((*id, serde_json::to_value(task)?)))
            .collect::<Result<_, serde_json::Error>>()?;
        assert_eq!(held, world.tasks);
        assert_eq!(follower.client().stats().gaps, 0);
        return Ok(());
    }
}

async fn chaos(clients: usize, rounds: u32, cuts: u32, limit: Duration) -> Tested {
    let seed: u64 = rand::rng().random();
    println!("seed {seed}");
    let (wire, mut server) = network(2048);
    let world: Shared = Arc::new(Mutex::new(World {
        rng: StdRng::seed_from_u64(seed),
        cuts_left: cuts,
        tasks: BTreeMap::new(),
        log: Vec::new(),
        done: HashMap::new(),
        made: 0,
        head: watch::Sender::new(0),
    }));
    let serving = tokio::spawn({
        let world = world.clone();
        async move {
            while let Ok(peer) = server.accept().await {
                tokio::spawn(serve(world.clone(), peer));
            }
        }
    });
    let working = watch::Sender::new(true);
    let (mut workers, mut followers) = (Vec::new(), Vec::new());
    for _ in 0..clients {
        let mut config: Config = config(&wire);
        config.event_buffer = 3;
        let (client, events) = Client::connect(config)?;
        workers.push(tokio::spawn(work(client.clone(), world.clone(), rounds)));
        let follower = Follower::new(client, events);
        followers.push(tokio::spawn(follow(follower, world.clone(), working.subscribe())));
    }
    let mut done = 0;
    for worker in workers {
        done += timeout(limit, worker).await???;
    }
    working.send_replace(false);
    for follower in followers {
        timeout(limit, follower).await???;
    }
    let world = lock(&world);
    assert_eq!(
        u64::from(done),
        world.head(),
        "each operation that was answered was done once"
    );
    assert_eq!(world.cuts_left, 0, "some of the planned cuts did not happen");
    serving.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_done_twice_however_often_the_connection_is_lost() -> Tested {
    chaos(3, 60, 60, Duration::from_hours(1)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_done_twice_on_several_threads() -> Tested {
    chaos(4, 60, 6, Duration::from_mins(2)).await
}
